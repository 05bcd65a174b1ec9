// The server's side ends; the client, not half-open, ends by itself.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.end('bye');
});
