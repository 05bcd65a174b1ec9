// destroy() without an error: the peer sees an end.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.destroy();
  props('client', client, 'destroyed readable writable readyState');
});
