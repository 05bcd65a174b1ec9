// The abstract namespace: no file.
// needs: linux
'use strict';
const { log, net, watch } = require('../prelude');

const name = `\0conformance-${process.pid}`;
const server = net.createServer((peer) => {
  peer.end('no file');
  server.close();
});
server.listen(name, () => {
  log('server', 'address', server.address() === name);
  watch('client', net.connect(name), 'data');
});
