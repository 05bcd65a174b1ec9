// resetAndDestroy() while connecting resets as soon as connected.
'use strict';
const { attempt, listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  watch('peer', peer, 'data');
  peer.on('close', () => server.close());
});
listen(server, (port) => {
  const client = watch('client', net.connect(port, '127.0.0.1'), 'data');
  attempt('call', 'reset', () => client.resetAndDestroy());
});
