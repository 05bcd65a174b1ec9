// An empty string: the callback comes, no data does.
'use strict';
const { attempt, cb, later, pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'write', () => client.write('', cb('client', 'wrote')));
  props('client', client, 'bytesWritten');
  later(30, () => client.end());
});
