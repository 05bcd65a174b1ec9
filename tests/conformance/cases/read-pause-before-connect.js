// pause() before the connection stands.
'use strict';
const { later, listen, log, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  watch('peer', peer);
  server.close();
  peer.end('hello');
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'data');
  client.pause();
  client.connect(port, '127.0.0.1');
  client.on('connect', () => later(40, () => {
    log('client', 'paused', client.isPaused());
    client.resume();
  }));
});
