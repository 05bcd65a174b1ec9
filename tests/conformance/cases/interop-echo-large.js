// Four megabytes there and back.
'use strict';
const { ends, receive } = require('../prelude');

ends({ server: { allowHalfOpen: true } }, {
  peer: (peer) => peer.pipe(peer),
  client: (client) => {
    receive('client', client);
    client.end(Buffer.alloc(4 << 20, 'there and back '));
  },
});
