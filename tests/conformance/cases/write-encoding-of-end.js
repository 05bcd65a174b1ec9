// end(data, encoding, callback).
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end('6869', 'hex', cb('client', 'ended'));
});
