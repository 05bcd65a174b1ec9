// destroy() inside 'data': nothing but 'close' follows.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.once('data', () => client.destroy());
  peer.end('some');
});
