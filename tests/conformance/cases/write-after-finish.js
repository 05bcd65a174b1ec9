// write() after 'finish'.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data', server: { allowHalfOpen: true } }, (client, peer) => {
  peer.on('end', () => peer.end());
  client.on('finish', () => client.write('more', cb('client', 'wrote')));
  client.end('bye');
});
