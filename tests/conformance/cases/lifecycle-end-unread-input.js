// end() while input is never read: the socket stays until resume().
'use strict';
const { later, pair, props } = require('../prelude');

pair({}, (client, peer) => {
  peer.end('unread');
  later(50, () => {
    props('client', client, 'readableEnded destroyed');
    client.resume();
  });
});
