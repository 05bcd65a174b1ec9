// read() after 'end' returns null.
'use strict';
const { attempt, pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.on('end', () => {
    attempt('client', 'read', () => client.read());
    props('client', client, 'readableEnded readable readableLength');
  });
  peer.end('x');
});
