// The side that is ended by its peer: 'end', then 'finish', then 'close'.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.on('data', () => peer.write('echo', cb('peer', 'wrote')));
  client.on('data', () => client.end());
  client.write('x', cb('client', 'wrote'));
});
