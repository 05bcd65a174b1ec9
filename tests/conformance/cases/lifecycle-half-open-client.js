// A half-open client goes on writing after the peer's end.
'use strict';
const { pair, props } = require('../prelude');

pair({ client: { allowHalfOpen: true }, events: 'data' }, (client, peer) => {
  client.on('end', () => {
    props('client', client, 'readable writable readyState destroyed');
    client.write('still here', () => client.end('now bye'));
  });
  peer.end('bye');
});
