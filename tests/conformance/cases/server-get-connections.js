// getConnections() before, with and after a connection.
'use strict';
const { later, log, pair } = require('../prelude');

pair({ events: 'data', keep: true }, (client, peer, server) => {
  server.getConnections((error, count) => {
    log('count', 'open', error, count);
    peer.on('close', () => later(20, () => server.getConnections((error, count) => {
      log('count', 'after', error, count);
      server.close();
    })));
    client.end();
  });
});
