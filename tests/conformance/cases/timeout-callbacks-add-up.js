// setTimeout() twice, each with a callback: both are called, once.
'use strict';
const { cb, log, pair } = require('../prelude');

pair({}, (client, peer) => {
  peer.resume();
  client.setTimeout(10, cb('client', 'first'));
  client.setTimeout(20, cb('client', 'second'));
  client.once('timeout', () => {
    log('client', 'listeners', client.listenerCount('timeout'));
    client.write('activity');
    client.once('timeout', () => client.destroy());
  });
});
