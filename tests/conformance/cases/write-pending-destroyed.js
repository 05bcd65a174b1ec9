// Corked writes at destroy(): their callbacks get ERR_STREAM_DESTROYED.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.cork();
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  client.destroy();
});
