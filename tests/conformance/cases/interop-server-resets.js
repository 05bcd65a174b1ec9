// The server resets.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { peer: (peer) => peer.on('data', () => peer.resetAndDestroy()),
  client: (client) => client.write('x') });
