// A 'data' listener that is added later gets what came before.
'use strict';
const { cb, later, pair } = require('../prelude');

pair({}, (client, peer) => {
  peer.write('early', () => later(30, () => {
    client.on('data', cb('client', 'data'));
    peer.end();
  }));
});
