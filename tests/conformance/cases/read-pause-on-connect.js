// pauseOnConnect: the server's socket is paused until resume().
'use strict';
const { later, log, pair } = require('../prelude');

pair({ server: { pauseOnConnect: true }, events: 'data' }, (client, peer) => {
  client.end('held');
  later(40, () => {
    log('peer', 'state', peer.isPaused(), peer.bytesRead, peer.readableEnded);
    peer.resume();
  });
});
