// read(n) for more than there is returns null; at the end it returns what is left.
'use strict';
const { attempt, log, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.on('readable', () => {
    log('client', 'length', client.readableLength);
    attempt('client', 'read 10', () => client.read(10));
    peer.end();
  });
  peer.write('abc');
});
