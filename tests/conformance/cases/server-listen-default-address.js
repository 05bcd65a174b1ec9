// Without a host the server listens on ::, for both families.
// needs: ipv6
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer((peer) => {
  log('peer', 'connection', peer.remoteFamily, peer.remoteAddress);
  peer.end();
});
server.listen(() => {
  const { address, family, port } = server.address();
  log('server', 'address', address, family);
  net.connect(port, '127.0.0.1').resume().on('close', () => {
    net.connect(port, '::1').resume().on('close', () => server.close());
  });
});
