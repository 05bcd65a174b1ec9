// What stays readable after 'close', when it was read before.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  const list = 'remoteAddress remotePort remoteFamily bytesRead bytesWritten';
  props('client', client, list);
  client.on('close', () => props('client', client, list + ' localAddress'));
  client.end('x');
});
