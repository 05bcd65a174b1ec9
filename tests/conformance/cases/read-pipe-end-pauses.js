// A pipe that ends with its source leaves the source paused.
'use strict';
const { log, pair, props } = require('../prelude');

pair({ server: { allowHalfOpen: true }, events: 'pipe' }, (client, peer) => {
  client.resume();
  peer.pipe(peer);
  peer.on('pause', () => log('peer', 'pause'));
  peer.on('unpipe', () => props('peer', peer, 'readableEnded writableFinished readableFlowing'));
  peer.on('finish', () => log('peer', 'paused', peer.isPaused()));
  peer.on('unpipe', () => log('peer', 'paused', peer.isPaused()));
  client.end();
});
