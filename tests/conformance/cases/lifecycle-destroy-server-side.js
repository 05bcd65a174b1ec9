// destroy() of the server's socket: the client sees an end.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.destroy();
});
