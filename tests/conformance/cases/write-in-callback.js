// A write inside the callback of a write.
'use strict';
const { log, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.write('a', () => {
    log('client', 'wrote a');
    client.write('b', () => {
      log('client', 'wrote b');
      client.end('c');
    });
  });
});
