// write() on a socket that is not half-open, after the peer's FIN: EPIPE.
'use strict';
const { attempt, cb, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.on('finish', () => {
    attempt('client', 'write', () => client.write('late', cb('client', 'wrote')));
  });
  peer.end();
});
