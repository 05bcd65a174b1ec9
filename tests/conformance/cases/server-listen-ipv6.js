// A server on ::1.
// needs: ipv6
'use strict';
const { log, net, props, watch } = require('../prelude');

const server = watch('server', net.createServer((peer) => {
  props('peer', peer, 'remoteAddress remoteFamily localAddress localFamily');
  peer.end();
  server.close();
}));
server.listen(0, '::1', () => {
  log('server', 'address', server.address());
  const client = net.connect(server.address().port, '::1');
  client.resume();
  client.on('connect', () => props('client', client, 'remoteAddress remoteFamily localAddress localFamily'));
});
