// setEncoding() when bytes are buffered already.
'use strict';
const { cb, pair, until } = require('../prelude');

pair({}, (client, peer) => {
  peer.write('h\u00e9');
  until(() => client.readableLength === 3, () => {
    client.setEncoding('utf8');
    client.on('data', cb('client', 'data'));
    peer.end();
  });
});
