// A paused socket with data buffered gets no 'end' before resume().
'use strict';
const { later, pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.pause();
  peer.end('buffered');
  later(50, () => {
    props('client', client, 'readableEnded readyState');
    client.resume();
  });
});
