// Callbacks of write() and end().
'use strict';
const { cb, ends } = require('../prelude');

ends({ events: 'data' }, { client: (client) => client.on('connect', () => {
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  client.end('c', cb('client', 'ended'));
}) });
