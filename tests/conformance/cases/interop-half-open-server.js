// The server answers after it has heard everything.
'use strict';
const { ends } = require('../prelude');

ends({ server: { allowHalfOpen: true }, events: 'data' }, {
  peer: (peer) => peer.on('end', () => peer.end('the answer')),
  client: (client) => client.end('the question'),
});
