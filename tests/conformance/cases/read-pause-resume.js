// pause() holds the data back, resume() brings it.
'use strict';
const { later, log, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.pause();
  peer.write('held', () => later(40, () => {
    log('client', 'paused', client.isPaused());
    client.resume();
    peer.end();
  }));
});
