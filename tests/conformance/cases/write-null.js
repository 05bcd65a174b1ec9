// write(null) is an argument error.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'write', () => client.write(null, cb('client', 'wrote')));
  client.end('still open');
});
