// The properties inside 'connect' and 'ready'.
'use strict';
const { listen, net, props } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
listen(server, (port) => {
  const client = new net.Socket();
  const list = 'connecting pending readyState remoteAddress remotePort';
  client.on('connect', () => props('client', client, list));
  client.on('ready', () => props('client', client, list));
  client.connect(port, '127.0.0.1');
  client.resume();
});
