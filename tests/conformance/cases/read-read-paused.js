// read() of a paused socket takes what is buffered.
'use strict';
const { attempt, log, pair, until } = require('../prelude');

pair({}, (client, peer) => {
  client.pause();
  client.read(0);
  peer.write('abcdef');
  until(() => client.readableLength === 6, () => {
    log('client', 'length', client.readableLength);
    attempt('client', 'read 4', () => client.read(4));
    attempt('client', 'read', () => client.read());
    client.resume();
    peer.end();
  });
});
