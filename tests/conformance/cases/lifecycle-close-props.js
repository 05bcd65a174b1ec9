// What stands in the properties inside 'end', 'finish' and 'close' of the side that ends second.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  const list = 'destroyed readable writable readableEnded writableEnded writableFinished readyState pending connecting';
  for (const event of ['end', 'finish', 'close']) peer.on(event, () => props('peer', peer, list));
  client.end('x');
});
