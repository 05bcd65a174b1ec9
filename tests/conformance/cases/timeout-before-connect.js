// setTimeout() before connect() holds after it.
'use strict';
const { listen, net, props, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.resume();
  server.close();
});
listen(server, (port) => {
  const client = watch('client', new net.Socket());
  client.setTimeout(1500);
  client.connect(port, '127.0.0.1', () => {
    props('client', client, 'timeout');
    client.once('timeout', () => client.setTimeout(0).end());
  });
  client.resume();
});
