// Nobody listens and the peer ends without data.
'use strict';
const { pair, props } = require('../prelude');

pair({}, (client, peer) => {
  peer.end();
  client.on('close', () => {
    props('client', client, 'readableEnded readyState');
    client.resume();
  });
});
