// Two 'data' listeners both get the chunk, in the order in which they were added.
'use strict';
const { cb, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.on('data', cb('client', 'second'));
  client.prependListener('data', cb('client', 'first'));
  client.once('data', cb('client', 'third, once'));
  peer.end('x');
});
