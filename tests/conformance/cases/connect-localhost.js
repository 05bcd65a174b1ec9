// Without a host: localhost.
// needs: ipv6
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
server.listen(0, () => {
  const client = net.connect(server.address().port);
  client.resume().on('connect', () => log('client', 'loopback', ['127.0.0.1', '::1'].includes(client.remoteAddress)));
  client.on('lookup', (error, address, family, host) => log('client', 'looked up', host));
});
