// end() with data after end(): ERR_STREAM_WRITE_AFTER_END.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end('bye');
  client.end('more', cb('client', 'ended again'));
});
