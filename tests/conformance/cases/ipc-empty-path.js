// An empty path.
'use strict';
const { attempt, net } = require('../prelude');

const server = net.createServer();
attempt('server', 'listen', () => Boolean(server.listen({ path: '' })));
server.on('listening', () => server.close());
