// A paused socket with nothing buffered still gets 'end'.
'use strict';
const { later, pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.pause();
  peer.end();
  later(50, () => {
    props('client', client, 'readableEnded readyState');
    client.resume();
  });
});
