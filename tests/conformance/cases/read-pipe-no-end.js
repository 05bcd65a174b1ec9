// pipe(…, { end: false }): the destination stays open.
'use strict';
const { cb, later, pair } = require('../prelude');

pair({ server: { allowHalfOpen: true } }, (client, peer) => {
  client.on('data', cb('client', 'data'));
  peer.pipe(peer, { end: false });
  peer.on('end', () => later(20, () => peer.end(' and more')));
  client.end('echo');
});
