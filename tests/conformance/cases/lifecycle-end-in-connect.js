// end() inside 'connect'.
'use strict';
const { listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => watch('peer', peer, 'data'));
listen(server, (port) => {
  const client = watch('client', net.connect(port, '127.0.0.1', () => client.end('hi')), 'ready data');
  client.on('close', () => server.close());
});
