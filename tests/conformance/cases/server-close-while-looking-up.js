// close() while listen() still looks its host up: no 'listening' follows.
'use strict';
const { cb, later, log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, 'localhost', cb('server', 'callback'));
server.close(cb('server', 'closed'));
later(200, () => log('server', 'later', server.listening, server.address()));
