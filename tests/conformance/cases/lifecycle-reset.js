// resetAndDestroy(): the peer gets ECONNRESET.
'use strict';
const { attempt, pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'reset', () => client.resetAndDestroy());
  props('client', client, 'destroyed');
});
