// connect() again after a refused connection.
'use strict';
const { listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end('hello');
  server.close();
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'ready data');
  client.once('close', () => client.connect(port, '127.0.0.1'));
  client.connect(1, '127.0.0.1');
});
