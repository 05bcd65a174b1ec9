// Text is whole, however it is cut.
'use strict';
const { cb, ends } = require('../prelude');

ends({ events: '' }, {
  peer: (peer) => {
    const bytes = Buffer.from('gr\u00fc\u00dfe \u20ac \u{1f600}');
    for (const byte of bytes) peer.write(Buffer.from([byte]));
    peer.end();
  },
  client: (client) => {
    client.setEncoding('utf8');
    client.on('data', cb('client', 'data'));
  },
});
