// onread's callback returns false: the socket is paused.
'use strict';
const { later, listen, log, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  server.close();
  peer.end('abcdef');
});
listen(server, (port) => {
  const client = watch('client', net.connect({ port, host: '127.0.0.1', onread: {
    buffer: Buffer.alloc(3),
    callback: (nread, buffer) => {
      log('client', 'onread', nread, buffer.subarray(0, nread));
      later(20, () => {
        log('client', 'resuming');
        client.resume();
      });
      return false;
    },
  } }), 'data');
});
