// address() right after listen() with a host.
// difference: listen-at-once: bind and listen happen in the calling thread, so that address() is set when listen
//   returns; Node resolves the host first, an address too
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer();
server.listen(0, '127.0.0.1');
log('server', 'bound', server.address() !== null, server.listening);
server.on('listening', () => server.close());
