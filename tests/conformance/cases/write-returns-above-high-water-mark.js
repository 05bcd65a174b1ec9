// A write above the high-water mark that the kernel takes at once returns true.
'use strict';
const { attempt, pair, receive } = require('../prelude');

pair({ client: { highWaterMark: 1024 }, events: 'drain' }, (client, peer) => {
  receive('peer', peer);
  attempt('client', 'write', () => client.write(Buffer.alloc(2048, 'x'), () => client.end()));
  client.resume();
});
