// end() after destroy(): its callback gets ERR_STREAM_DESTROYED, no event.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.destroy();
  client.end(cb('client', 'ended'));
});
