// A write that the kernel cannot take returns false; 'drain' follows when all is gone.
'use strict';
const { attempt, pair, props, receive } = require('../prelude');

pair({ server: { pauseOnConnect: true }, events: 'drain' }, (client, peer) => {
  receive('peer', peer);
  attempt('client', 'write', () => client.write(Buffer.alloc(32 << 20, 'x')));
  props('client', client, 'writableNeedDrain');
  client.on('drain', () => {
    props('client', client, 'writableNeedDrain writableLength');
    client.end();
  });
  peer.resume();
  client.resume();
});
