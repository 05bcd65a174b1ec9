// A socket that is closed can connect again: a new life.
'use strict';
const { listen, log, net, props, watch } = require('../prelude');

const server = net.createServer((peer) => peer.end('hello'));
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'ready data');
  client.connect(port, '127.0.0.1');
  client.once('close', () => {
    log('client', 'again');
    client.connect(port, '127.0.0.1');
    client.once('close', () => {
      props('client', client, 'bytesRead destroyed');
      server.close();
    });
  });
});
