// An echo through pipe.
'use strict';
const { cb, ends } = require('../prelude');

ends({ events: '' }, {
  peer: (peer) => peer.pipe(peer),
  client: (client) => {
    client.on('data', cb('client', 'data'));
    client.once('data', () => client.end());
    client.write('echo me');
  },
});
