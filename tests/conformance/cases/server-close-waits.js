// close() waits for the open connections, and refuses new ones.
'use strict';
const { cb, log, net, pair, watch } = require('../prelude');

pair({ events: 'data', keep: true }, (client, peer, server) => {
  const { port } = server.address();
  server.close(cb('server', 'closed'));
  log('server', 'listening', server.listening, server.address());
  const second = watch('second', net.connect(port, '127.0.0.1'));
  second.on('close', () => {
    log('client', 'ending');
    client.end();
  });
});
