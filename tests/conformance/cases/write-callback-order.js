// Callbacks come in the order of the writes, before the end's.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  client.write('c', cb('client', 'wrote c'));
  client.end(cb('client', 'ended'));
});
