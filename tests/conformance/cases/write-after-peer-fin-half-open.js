// write() on a half-open socket after the peer's FIN arrives.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data', client: { allowHalfOpen: true } }, (client, peer) => {
  client.on('end', () => {
    attempt('client', 'write', () => client.write('late', cb('client', 'wrote')));
    client.end();
  });
  peer.end();
});
