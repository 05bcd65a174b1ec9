// The server's options reach its sockets.
'use strict';
const { pair, props } = require('../prelude');

const options = { allowHalfOpen: true, highWaterMark: 3000, noDelay: true, keepAlive: true };
options.keepAliveInitialDelay = 1000;
pair({ server: options, events: 'data' }, (client, peer) => {
  props('peer', peer, 'allowHalfOpen readableHighWaterMark writableHighWaterMark');
  peer.end();
  client.end();
});
