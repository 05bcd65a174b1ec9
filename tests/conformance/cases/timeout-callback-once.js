// The callback is one-time: the second 'timeout' does not call it.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  let count = 0;
  client.setTimeout(40, cb('client', 'callback'));
  client.on('timeout', () => {
    count += 1;
    if (count === 1) peer.write('x');
    else client.setTimeout(0).end();
  });
});
