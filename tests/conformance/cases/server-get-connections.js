// getConnections() before, with and after a connection.
'use strict';
const { log, pair, until } = require('../prelude');

pair({ events: 'data', keep: true }, (client, peer, server) => {
  server.getConnections((error, count) => {
    log('count', 'open', error, count);
    peer.on('close', () => until(() => server._connections === 0, () => server.getConnections((error, count) => {
      log('count', 'after', error, count);
      server.close();
    })));
    client.end();
  });
});
