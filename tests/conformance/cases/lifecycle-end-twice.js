// A second end() before 'finish' is harmless.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end('bye', cb('client', 'ended'));
  client.end(cb('client', 'ended again'));
});
