// The properties of a server through its life.
'use strict';
const { net, props, watch } = require('../prelude');

const server = watch('server', net.createServer());
props('call', server, 'listening maxConnections');
server.maxConnections = 5;
server.listen(0, '127.0.0.1', () => {
  props('server', server, 'listening maxConnections');
  server.close(() => props('server', server, 'listening maxConnections'));
});
