// Ten megabytes in one write arrive whole.
'use strict';
const { cb, pair, receive } = require('../prelude');

pair({}, (client, peer) => {
  receive('peer', peer);
  client.resume();
  client.end(Buffer.alloc(10 << 20, 'conformance '), cb('client', 'ended'));
});
