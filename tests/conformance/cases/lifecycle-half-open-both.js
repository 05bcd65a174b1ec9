// Two half-open sides close one after the other.
'use strict';
const { pair, props } = require('../prelude');

pair({ server: { allowHalfOpen: true }, client: { allowHalfOpen: true }, events: 'data' }, (client, peer) => {
  peer.on('end', () => peer.write('heard you', () => peer.end()));
  client.on('end', () => props('client', client, 'writableEnded writableFinished readableEnded readyState'));
  client.end('hello');
});
