// close() of a BoundSocket frees its port.
// needs: node 26
'use strict';
const { net, watch } = require('../prelude');

const bound = new net.BoundSocket({ port: 0, host: '127.0.0.1' });
const { port } = bound.address();
bound.close();
const server = watch('server', net.createServer());
server.listen(port, '127.0.0.1', () => server.close());
