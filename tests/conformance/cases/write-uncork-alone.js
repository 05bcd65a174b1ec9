// uncork() without cork() does nothing.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.uncork();
  client.end('x');
});
