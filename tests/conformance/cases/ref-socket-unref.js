// An unref'd connection does not keep the program alive.
'use strict';
const { log, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.unref();
  peer.unref();
  log('client', 'unref');
});
