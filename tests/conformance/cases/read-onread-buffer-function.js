// onread's buffer may be a function.
'use strict';
const { listen, log, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  server.close();
  peer.end('abc');
});
listen(server, (port) => {
  watch('client', net.connect({ port, host: '127.0.0.1', onread: {
    buffer: () => Buffer.alloc(8),
    callback: (nread, buffer) => log('client', 'onread', nread, buffer.subarray(0, nread)),
  } }), 'data');
});
