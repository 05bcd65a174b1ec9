// The last 'data' listener is removed: what the state is then.
'use strict';
const { cb, log, pair, props } = require('../prelude');

pair({}, (client, peer) => {
  const listener = cb('client', 'data');
  client.on('data', listener);
  props('client', client, 'readableFlowing');
  client.off('data', listener);
  props('client', client, 'readableFlowing');
  log('client', 'paused', client.isPaused());
  client.resume();
  peer.end('x');
});
