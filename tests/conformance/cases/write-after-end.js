// write() after end(): ERR_STREAM_WRITE_AFTER_END to the callback and as 'error'.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end('bye');
  attempt('client', 'write', () => client.write('more', cb('client', 'wrote')));
});
