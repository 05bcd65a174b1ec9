// setEncoding() when bytes are buffered already.
'use strict';
const { cb, later, pair } = require('../prelude');

pair({}, (client, peer) => {
  peer.write('h\u00e9', () => later(30, () => {
    client.setEncoding('utf8');
    client.on('data', cb('client', 'data'));
    peer.end();
  }));
});
