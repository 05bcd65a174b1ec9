// resetAndDestroy() of the server's socket.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.resetAndDestroy();
});
