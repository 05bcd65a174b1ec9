// Corked writes go out together at uncork(); their callbacks in order.
'use strict';
const { cb, pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.cork();
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  props('client', client, 'writableLength bytesWritten');
  client.uncork();
  client.end('c', cb('client', 'ended'));
});
