// The server does not read for a while: the client's write returns false, and all arrives.
'use strict';
const { attempt, ends, later, receive } = require('../prelude');

ends({ server: { pauseOnConnect: true } }, {
  peer: (peer) => {
    receive('peer', peer);
    later(100, () => peer.resume());
  },
  client: (client) => client.on('connect', () => {
    client.resume();
    attempt('client', 'write', () => client.write(Buffer.alloc(32 << 20, 'x')));
    client.once('drain', () => client.end());
  }),
});
