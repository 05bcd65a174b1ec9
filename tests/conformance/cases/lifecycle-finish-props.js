// What stands in the properties inside 'finish' and 'end' of the side that ends first.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data', server: { allowHalfOpen: true } }, (client, peer) => {
  const list = 'destroyed readable writable readableEnded writableEnded writableFinished readyState';
  for (const event of ['finish', 'end', 'close']) client.on(event, () => props('client', client, list));
  peer.on('end', () => peer.end());
  client.end('x');
});
