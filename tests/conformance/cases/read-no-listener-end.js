// Nobody listens and the peer ends without data.
'use strict';
const { later, pair, props } = require('../prelude');

pair({}, (client, peer) => {
  peer.end();
  later(50, () => {
    props('client', client, 'readableEnded readyState');
    client.resume();
  });
});
