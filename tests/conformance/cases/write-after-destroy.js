// write() after destroy(): ERR_STREAM_DESTROYED to the callback only.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.destroy();
  attempt('client', 'write', () => client.write('more', cb('callback', 'wrote')));
});
