// Write until false, wait for 'drain', go on: all arrives.
'use strict';
const { pair, receive } = require('../prelude');

pair({}, (client, peer) => {
  receive('peer', peer);
  client.resume();
  let left = 64;
  const go = () => {
    while (left > 0) {
      left -= 1;
      if (!client.write(Buffer.alloc(1 << 18, 'd'))) return client.once('drain', go);
    }
    client.end();
  };
  go();
});
