// The properties of a connection, both sides.
'use strict';
const { log, pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  const list = 'connecting pending destroyed readyState readable writable readableEnded writableEnded ' +
    'localAddress localPort localFamily remoteAddress remotePort remoteFamily';
  props('client', client, list);
  props('peer', peer, list);
  log('client', 'address', client.address());
  log('peer', 'address', peer.address());
  log('peer', 'ports', peer.remotePort === client.localPort);
  client.end();
});
