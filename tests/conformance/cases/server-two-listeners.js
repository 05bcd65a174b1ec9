// Two 'connection' listeners get the same socket, in order.
'use strict';
const { listen, log, net } = require('../prelude');

const server = net.createServer((peer) => log('peer', 'first'));
server.on('connection', (peer) => {
  log('peer', 'second');
  peer.end();
  server.close();
});
listen(server, (port) => net.connect(port, '127.0.0.1').resume());
