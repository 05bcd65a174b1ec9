// setEncoding(): 'data' carries text.
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  attempt('client', 'setEncoding', () => client.setEncoding('utf8'));
  peer.end('h\u00e9 \u20ac');
});
