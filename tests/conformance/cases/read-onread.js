// onread: data goes into the caller's buffer, and 'data' is silent.
'use strict';
const { listen, log, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  server.close();
  peer.end('abcdef');
});
listen(server, (port) => {
  const client = watch('client', net.connect({ port, host: '127.0.0.1', onread: {
    buffer: Buffer.alloc(4),
    callback: (nread, buffer) => {
      log('client', 'onread', nread, buffer.subarray(0, nread), buffer.length);
      return true;
    },
  } }), 'data');
});
