// 'readable' and read(): all of it, in parts, then null at the end.
'use strict';
const { attempt, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.once('readable', () => {
    attempt('client', 'read 3', () => client.read(3));
    attempt('client', 'read', () => client.read());
    attempt('client', 'read', () => client.read());
    client.on('readable', () => attempt('client', 'read', () => client.read()));
    peer.end();
  });
  peer.write('abcdefgh');
});
