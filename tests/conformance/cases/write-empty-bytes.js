// Empty bytes: the callback comes, no data does.
'use strict';
const { attempt, cb, later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'write', () => client.write(Buffer.alloc(0), cb('client', 'wrote')));
  later(30, () => client.end());
});
