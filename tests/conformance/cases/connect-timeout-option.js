// The option timeout: 'timeout' while idle, and the socket stays open.
'use strict';
const { pair, props } = require('../prelude');

pair({ client: { timeout: 60 }, events: 'data' }, (client) => {
  props('client', client, 'timeout');
  client.once('timeout', () => client.end());
});
