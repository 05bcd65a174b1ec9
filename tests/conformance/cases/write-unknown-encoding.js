// An unknown encoding is an argument error.
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'write', () => client.write('x', 'nonsense'));
  client.end('still open');
});
