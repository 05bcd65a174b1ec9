// The client answers after the server's end.
'use strict';
const { ends } = require('../prelude');

ends({ client: { allowHalfOpen: true }, events: 'data' }, {
  peer: (peer) => peer.end('the question'),
  client: (client) => client.on('end', () => client.end('the answer')),
});
