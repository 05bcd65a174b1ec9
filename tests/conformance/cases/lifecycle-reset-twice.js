// resetAndDestroy() twice, then write(): the peer has one ECONNRESET.
// order: any
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({}, (client, peer) => {
  peer.resume();
  attempt('call', 'reset', () => client.resetAndDestroy());
  attempt('call', 'again', () => client.resetAndDestroy());
  attempt('call', 'write', () => client.write('late', cb('client', 'written')));
  client.on('close', () => attempt('call', 'after close', () => client.resetAndDestroy()));
});
