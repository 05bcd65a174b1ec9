// write() and end() long after 'close'.
'use strict';
const { attempt, cb, later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.on('close', () => later(20, () => {
    attempt('client', 'write', () => client.write('more', cb('client', 'wrote')));
  }));
  client.destroy();
});
