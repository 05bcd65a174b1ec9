// bufferSize is an old name of writableLength.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.cork();
  client.write('abc');
  props('client', client, 'bufferSize writableLength');
  client.end();
});
