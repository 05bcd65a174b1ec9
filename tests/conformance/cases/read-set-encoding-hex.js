// setEncoding('hex'), setEncoding('LATIN1').
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.setEncoding('hex');
  peer.setEncoding('LATIN1');
  peer.end('h\u00e9');
  client.end('h\u00e9');
});
