// The server's options reach its sockets.
'use strict';
const { pair, props } = require('../prelude');

pair({ server: { allowHalfOpen: true, highWaterMark: 3000, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 },
  events: 'data' }, (client, peer) => {
  props('peer', peer, 'allowHalfOpen readableHighWaterMark writableHighWaterMark');
  client.end();
  peer.end();
});
