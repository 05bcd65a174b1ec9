// A listener that is added after connect(), in the same step, misses nothing.
'use strict';
const { listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => watch('peer', peer, 'data'));
listen(server, (port) => {
  const client = net.connect(port, '127.0.0.1');
  watch('client', client, 'ready data');
  client.on('connect', () => client.end());
  client.on('close', () => server.close());
});
