// write() on a socket that is not half-open, after the peer's FIN: EPIPE.
'use strict';
const { attempt, log, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.removeAllListeners('error');
  client.on('error', (error) => log('client', 'error', error.code));
  client.on('finish', () => {
    attempt('client', 'write', () => client.write('late', (error) => log('client', 'wrote', error.code)));
  });
  peer.end();
});
