// close() of a server that is not open: the callback gets ERR_SERVER_NOT_RUNNING.
'use strict';
const { attempt, cb, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('server', 'close', () => server.close(cb('server', 'closed')));
