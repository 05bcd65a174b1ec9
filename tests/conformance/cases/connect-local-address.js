// localAddress and localPort.
'use strict';
const { pair, props } = require('../prelude');

pair({ client: { localAddress: '127.0.0.3' }, events: 'data' }, (client, peer) => {
  props('client', client, 'localAddress localFamily');
  props('peer', peer, 'remoteAddress remoteFamily');
  client.end();
});
