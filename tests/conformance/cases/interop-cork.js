// Corked writes.
'use strict';
const { cb, ends } = require('../prelude');

ends({ events: 'data' }, { client: (client) => client.on('connect', () => {
  client.cork();
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  client.uncork();
  client.end('c');
}) });
