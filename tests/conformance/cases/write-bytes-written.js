// bytesWritten counts encoded bytes as they are accepted, queued ones included.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.write('h\u00e9');
  props('client', client, 'bytesWritten');
  client.cork();
  client.write('6869', 'hex');
  props('client', client, 'bytesWritten');
  client.uncork();
  client.end(Buffer.alloc(10, 'x'));
  props('client', client, 'bytesWritten');
  client.on('close', () => props('client', client, 'bytesWritten bytesRead'));
});
