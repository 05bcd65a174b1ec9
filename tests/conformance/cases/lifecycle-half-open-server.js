// A half-open server answers after it has heard everything.
'use strict';
const { pair, props } = require('../prelude');

pair({ server: { allowHalfOpen: true }, events: 'data' }, (client, peer) => {
  peer.on('end', () => {
    props('peer', peer, 'readable writable readyState destroyed');
    peer.end('the answer');
  });
  client.end('the question');
});
