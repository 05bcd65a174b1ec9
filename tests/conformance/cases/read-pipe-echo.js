// peer.pipe(peer) echoes, and ends when its source ends.
'use strict';
const { attempt, cb, log, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.on('data', cb('client', 'data'));
  peer.on('pipe', () => log('peer', 'pipe'));
  peer.on('unpipe', () => log('peer', 'unpipe'));
  attempt('call', 'pipe', () => peer.pipe(peer));
  client.once('data', () => client.end());
  client.write('echo me');
});
