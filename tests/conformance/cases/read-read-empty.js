// read() with nothing to read returns null.
'use strict';
const { attempt, pair } = require('../prelude');

pair({}, (client, peer) => {
  attempt('client', 'read', () => client.read());
  attempt('client', 'read 5', () => client.read(5));
  client.resume();
  peer.end();
});
