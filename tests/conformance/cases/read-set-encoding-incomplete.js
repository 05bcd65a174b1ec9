// An unfinished character at the end becomes U+FFFD.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.setEncoding('utf8');
  peer.end(Buffer.from([0x61, 0xe2, 0x82]));
});
