// readyState through a life: open, writeOnly, closed.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data', client: { allowHalfOpen: true } }, (client, peer) => {
  const look = () => props('client', client, 'readyState');
  look();
  client.on('end', () => {
    look();
    client.end();
    look();
  });
  client.on('finish', look);
  client.on('close', look);
  peer.end();
});
