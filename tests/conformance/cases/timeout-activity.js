// Reads put the time-out off.
'use strict';
const { later, log, pair } = require('../prelude');

pair({}, (client, peer) => {
  let idle = true;
  client.on('data', () => {});
  client.setTimeout(1500);
  client.on('timeout', () => log('client', 'idle', idle));
  const beat = (left) => {
    if (left === 0) return later(50, () => {
      client.setTimeout(0);
      client.end();
    });
    peer.write('x');
    later(250, () => beat(left - 1));
  };
  beat(8);
});
