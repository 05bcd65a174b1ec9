// close() of a server that is not open: the callback gets ERR_SERVER_NOT_RUNNING.
// difference: close-once: 'close' comes exactly once for each life, and not to what was never open; Node sends it more
//   often
'use strict';
const { attempt, cb, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('call', 'close', () => server.close(cb('server', 'closed')));
