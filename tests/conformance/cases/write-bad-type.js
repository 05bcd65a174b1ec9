// write() of a number is an argument error.
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'write', () => client.write(42));
  attempt('client', 'write', () => client.write({}));
  attempt('client', 'write', () => client.write(true));
  client.end('still open');
});
