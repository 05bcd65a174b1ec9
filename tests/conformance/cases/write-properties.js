// writable, writableEnded, writableFinished, writableLength as a write and an end go by.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  const list = 'writable writableEnded writableFinished writableLength writableNeedDrain';
  props('client', client, list);
  client.write('x', () => props('client', client, list));
  client.end();
  props('client', client, 'writable writableEnded writableFinished');
  client.on('finish', () => props('client', client, list));
});
