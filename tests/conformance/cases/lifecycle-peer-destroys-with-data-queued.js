// The peer's data arrives before its end, whatever it does after.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.write('a');
  peer.write('b');
  peer.destroySoon();
});
