// localPort is the port that the peer sees.
'use strict';
const { callPort, net, pair, props } = require('../prelude');

const first = net.createServer().listen(0, '127.0.0.1', () => {
  const localPort = callPort(first.address().port, 'local');
  first.close(() => pair({ client: { localPort, localAddress: '127.0.0.1' }, events: 'data' }, (client, peer) => {
    props('client', client, 'localPort');
    props('peer', peer, 'remotePort');
    peer.end();
  }));
});
