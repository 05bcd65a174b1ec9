// write() inside 'error' of a connection that the peer reset.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.on('error', () => {
    attempt('client', 'write', () => client.write('late', cb('callback', 'wrote')));
  });
  peer.resetAndDestroy();
});
