// setTimeout(0) switches it off.
'use strict';
const { later, pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(30);
  client.setTimeout(0);
  props('client', client, 'timeout');
  later(100, () => client.end());
});
