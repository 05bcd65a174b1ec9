// Invalid UTF-8 becomes U+FFFD.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.setEncoding('utf8');
  peer.end(Buffer.from([0x61, 0xff, 0xc0, 0x80, 0x62, 0xf0, 0x28]));
});
