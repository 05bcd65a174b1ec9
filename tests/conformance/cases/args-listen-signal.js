// listen() with a signal that is none.
'use strict';
const { attempt, net } = require('../prelude');

const server = net.createServer();
attempt('server', 'signal', () => Boolean(server.listen({ port: 0, host: '127.0.0.1', signal: 'x' })));
server.on('listening', () => server.close());
