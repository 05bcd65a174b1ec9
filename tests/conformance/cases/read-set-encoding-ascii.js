// setEncoding('ascii') and bytes above 127.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.setEncoding('ascii');
  peer.end(Buffer.from([0x61, 0xe9, 0x62]));
});
