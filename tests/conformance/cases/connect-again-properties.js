// The properties of a new life.
'use strict';
const { listen, net, props, watch } = require('../prelude');

const server = net.createServer((peer) => peer.resume().end('hello'));
listen(server, (port) => {
  const list = 'connecting destroyed readable writable readableEnded writableEnded bytesRead bytesWritten';
  const client = watch('client', new net.Socket(), 'data');
  client.connect(port, '127.0.0.1', () => client.write('x'));
  client.once('close', () => {
    props('client', client, list);
    client.connect(port, '127.0.0.1');
    props('client', client, list);
    client.once('connect', () => props('client', client, list));
    client.once('close', () => server.close());
  });
});
