// The two sides have clocks of their own.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.setTimeout(60000);
  peer.setTimeout(40, () => peer.setTimeout(0).end());
});
