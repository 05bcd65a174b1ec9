// A corked write is queued: what it returns.
// difference: write-returns: write returns True when all of it is in the kernel's buffer and False when some is queued
//   in user memory, as the documentation says; Node's code compares with the high-water mark
'use strict';
const { attempt, cb, later, pair } = require('../prelude');

pair({ events: 'data drain' }, (client) => {
  client.cork();
  attempt('client', 'write', () => client.write('corked', cb('client', 'wrote')));
  client.uncork();
  later(30, () => client.end());
});
