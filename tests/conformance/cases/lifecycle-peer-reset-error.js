// Inside 'error' of a reset connection, and inside 'close'.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.on('error', () => props('client', client, 'destroyed readable writable readyState'));
  client.on('close', () => props('client', client, 'destroyed readableEnded writableFinished readyState'));
  peer.resetAndDestroy();
});
