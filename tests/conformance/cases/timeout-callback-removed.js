// setTimeout(0, callback) removes the callback.
'use strict';
const { cb, later, log, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  const callback = cb('client', 'callback');
  client.setTimeout(30, callback);
  log('client', 'listeners', client.listenerCount('timeout'));
  client.setTimeout(0, callback);
  log('client', 'listeners', client.listenerCount('timeout'));
  later(80, () => client.end());
});
