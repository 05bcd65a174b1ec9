// readyState after end(), and after destroy().
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end();
  props('client', client, 'readyState writable readable');
  client.destroy();
  props('client', client, 'readyState writable readable');
});
