// write() inside 'close'.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.on('close', () => attempt('client', 'write', () => client.write('more', cb('client', 'wrote'))));
  client.destroy();
});
