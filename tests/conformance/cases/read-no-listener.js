// Nobody listens: nothing is lost, and no 'end' comes while data waits.
'use strict';
const { cb, later, pair, props } = require('../prelude');

pair({}, (client, peer) => {
  peer.end('waiting');
  later(50, () => {
    props('client', client, 'readableFlowing readableEnded');
    client.on('data', cb('client', 'data'));
  });
});
