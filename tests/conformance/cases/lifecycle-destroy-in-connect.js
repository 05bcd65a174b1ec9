// destroy() inside 'connect': what follows.
// difference: nothing-after-destroy: once destroy() has returned no new listener begins but those of 'close'; Node
//   still sends 'ready'
'use strict';
const { listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => watch('peer', peer, 'data'));
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'ready');
  client.on('connect', () => client.destroy());
  client.on('close', () => server.close());
  client.connect(port, '127.0.0.1');
});
