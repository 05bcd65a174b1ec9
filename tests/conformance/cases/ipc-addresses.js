// address() of the server is the path; a connection has no addresses.
'use strict';
const { log, net, props, tmp } = require('../prelude');

const server = net.createServer((peer) => {
  props('peer', peer, 'remoteAddress remotePort remoteFamily localAddress localPort');
  log('peer', 'address', peer.address());
  peer.end();
  server.close();
});
server.listen(tmp('a.sock'), () => {
  log('server', 'address', server.address());
  const client = net.connect(tmp('a.sock'));
  const list = 'remoteAddress remotePort remoteFamily connecting pending';
  client.resume().on('connect', () => props('client', client, list));
});
