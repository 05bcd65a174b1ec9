// bytesRead counts what was received.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.on('end', () => props('client', client, 'bytesRead'));
  client.on('close', () => props('client', client, 'bytesRead'));
  peer.write('abc');
  peer.end('def');
});
