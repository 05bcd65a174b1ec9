// A half-open side that never ends stays open, and destroy ends it.
'use strict';
const { later, pair, props } = require('../prelude');

pair({ server: { allowHalfOpen: true }, events: 'data' }, (client, peer) => {
  peer.on('end', () => later(50, () => {
    props('peer', peer, 'destroyed writable readyState');
    peer.destroy();
  }));
  client.end();
});
