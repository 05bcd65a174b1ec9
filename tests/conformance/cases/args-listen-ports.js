// What is a port, for listen().
'use strict';
const { attempt, net } = require('../prelude');

const server = net.createServer();
for (const port of [65536, -1, 'x', 1.5, NaN, '99999']) {
  attempt('server', 'listen', () => Boolean(server.listen({ port, host: '127.0.0.1' })));
}
