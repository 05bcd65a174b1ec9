// A time-out that is set keeps no process alive: of a socket that is unref'd, or of one never connected.
'use strict';
const { log, net, pair } = require('../prelude');

new net.Socket().setTimeout(20000, () => log('lonely', 'timeout'));
pair({ keep: true }, (client, peer, server) => {
  for (const each of [client, peer, server]) each.unref();
  client.setTimeout(20000, () => log('client', 'timeout'));
  log('program', 'ends');
});
