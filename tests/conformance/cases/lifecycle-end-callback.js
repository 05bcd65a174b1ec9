// The callback of end() and 'finish': the order of the two.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end('bye', cb('client', 'ended'));
});
