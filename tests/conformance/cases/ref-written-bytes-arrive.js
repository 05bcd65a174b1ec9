// A program that ends loses no byte that it wrote.
'use strict';
const { net, receive } = require('../prelude');

const server = net.createServer((peer) => {
  receive('peer', peer);
  server.close();
});
server.listen(0, '127.0.0.1', () => {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.resume();
  client.end(Buffer.alloc(1 << 20, 'x'));
});
