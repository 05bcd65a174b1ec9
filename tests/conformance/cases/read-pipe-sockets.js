// A pipe from one connection into another carries all and its end.
'use strict';
const { log, net, pair, receive } = require('../prelude');

const backend = net.createServer((socket) => {
  backend.close();
  receive('backend', socket);
});
backend.listen(0, '127.0.0.1', () => {
  const upstream = net.connect(backend.address().port, '127.0.0.1');
  upstream.on('close', () => log('upstream', 'close'));
  upstream.resume();
  pair({}, (client, peer) => {
    peer.pipe(upstream);
    client.resume();
    client.end(Buffer.alloc(4 << 20, 'pipe it '));
  });
});
