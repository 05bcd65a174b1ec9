// A socket that is not half-open writes inside its 'end' listener.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.once('end', () => peer.write('last words', cb('peer', 'wrote')));
  client.end('bye');
});
