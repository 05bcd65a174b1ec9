// The option timeout: 'timeout' while idle, and the socket stays open.
'use strict';
const { pair, props } = require('../prelude');

pair({ client: { timeout: 1500 }, events: 'data' }, (client) => {
  props('client', client, 'timeout');
  client.once('timeout', () => client.setTimeout(0).end());
});
