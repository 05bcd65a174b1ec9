// destroySoon() after 'finish' destroys at once.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data', server: { allowHalfOpen: true } }, (client, peer) => {
  client.end('x');
  client.on('finish', () => {
    client.destroySoon();
    props('client', client, 'destroyed');
  });
  peer.on('end', () => peer.end());
});
