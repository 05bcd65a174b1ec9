// Base64 text comes in groups of three bytes; the rest at the end.
'use strict';
const { cb, later, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.setEncoding('base64');
  client.on('data', cb('client', 'data'));
  peer.write('ab');
  later(20, () => peer.write('cd'));
  later(40, () => peer.end());
});
