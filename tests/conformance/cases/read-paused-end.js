// A paused socket with nothing buffered still gets 'end'.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.pause();
  peer.end();
  client.on('close', () => {
    props('client', client, 'readableEnded readyState');
    client.resume();
  });
});
