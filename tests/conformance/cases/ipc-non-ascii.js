// A path that is not ASCII.
'use strict';
const { log, net, tmp, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end('hello');
  server.close();
});
server.listen(tmp('gr\u00fc\u00df \u20ac.sock'), () => {
  log('server', 'address', server.address());
  watch('client', net.connect(tmp('gr\u00fc\u00df \u20ac.sock')), 'data');
});
