// destroySoon() after two writes: both arrive.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { peer: (peer) => {
  peer.write('one ');
  peer.write('two');
  peer.destroySoon();
} });
