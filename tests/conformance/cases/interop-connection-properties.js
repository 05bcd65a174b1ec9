// What each end knows of the other.
'use strict';
const { ends, props } = require('../prelude');

ends({ events: 'data' }, {
  peer: (peer) => {
    props('peer', peer, 'localAddress localPort localFamily remoteAddress remoteFamily');
    peer.end();
  },
  client: (client) => client.on('connect', () => {
    props('client', client, 'localAddress localFamily remoteAddress remotePort remoteFamily');
  }),
});
