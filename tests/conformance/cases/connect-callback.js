// connect(port, host, callback): the callback is a 'connect' listener; connect() returns the socket.
'use strict';
const { attempt, cb, listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'ready');
  attempt('call', 'connect()', () => client.connect(port, '127.0.0.1', cb('client', 'callback')));
  client.resume();
});
