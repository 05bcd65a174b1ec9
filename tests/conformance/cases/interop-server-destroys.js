// The server destroys its socket with an error.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, {
  peer: (peer) => peer.on('data', () => peer.destroy(new Error('enough'))),
  client: (client) => client.write('x'),
});
