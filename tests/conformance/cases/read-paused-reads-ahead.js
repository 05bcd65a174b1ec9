// A paused socket reads no more than about its high-water mark.
'use strict';
const { later, log, pair, receive, until } = require('../prelude');

pair({ client: { highWaterMark: 1000 } }, (client, peer) => {
  client.pause();
  client.read(0);
  peer.write(Buffer.alloc(1 << 20, 'x'), () => {});
  until(() => client.bytesRead >= 1000, () => later(60, () => {
    log('client', 'bounded', client.bytesRead >= 1000, client.bytesRead <= 1000 + 65536);
    receive('client', client);
    client.resume();
    peer.end();
  }));
});
