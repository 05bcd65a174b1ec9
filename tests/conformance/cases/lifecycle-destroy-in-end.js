// destroy() inside 'end'.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.once('end', () => client.destroy());
  peer.end('some');
});
