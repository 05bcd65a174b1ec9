// No 'drain' once end() was called.
'use strict';
const { attempt, pair, props, receive } = require('../prelude');

pair({ server: { pauseOnConnect: true }, events: 'drain' }, (client, peer) => {
  receive('peer', peer);
  client.resume();
  attempt('client', 'write', () => client.write(Buffer.alloc(32 << 20, 'x')));
  client.end();
  props('client', client, 'writableNeedDrain');
  peer.resume();
});
