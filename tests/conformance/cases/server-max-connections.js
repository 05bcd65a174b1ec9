// maxConnections: the one above it is dropped, and 'drop' says who.
'use strict';
const { net, pair, watch } = require('../prelude');

pair({ events: 'data', keep: true }, (client, peer, server) => {
  server.maxConnections = 1;
  const second = watch('second', net.connect(server.address().port, '127.0.0.1'), 'data');
  second.on('close', () => {
    client.end();
    server.close();
  });
});
