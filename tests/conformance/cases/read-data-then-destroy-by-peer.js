// Data that came before the peer's reset may be lost, but not before its end.
'use strict';
const { later, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.pause();
  peer.write('kept');
  peer.end();
  later(40, () => client.resume());
});
