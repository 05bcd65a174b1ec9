// The client pauses between chunks.
'use strict';
const { ends, later, log } = require('../prelude');

ends({ events: '' }, {
  peer: (peer) => {
    peer.write('one');
    later(60, () => peer.end('two'));
  },
  client: (client) => client.on('data', (chunk) => {
    log('client', 'data', chunk);
    client.pause();
    later(20, () => client.resume());
  }),
});
