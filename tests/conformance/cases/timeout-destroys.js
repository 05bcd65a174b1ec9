// The usual use: destroy() inside 'timeout'.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.setTimeout(40, () => peer.destroy(new Error('idle')));
});
