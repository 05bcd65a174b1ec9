// Both sides end at the same moment.
// order: any
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.end('from client');
  peer.end('from peer');
});
