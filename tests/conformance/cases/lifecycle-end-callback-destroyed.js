// end(callback), then destroy(): the callback hears of it.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end(cb('client', 'ended'));
  client.destroy(new Error('boom'));
});
