// The client ends with a last word; the peer, not half-open, ends by itself.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end('bye');
});
