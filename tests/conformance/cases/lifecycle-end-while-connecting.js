// end(data) right after connect(): the data and the FIN go out once connected.
'use strict';
const { cb, listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => watch('peer', peer, 'data'));
listen(server, (port) => {
  const client = watch('client', net.connect(port, '127.0.0.1'), 'data');
  client.end('early', cb('client', 'ended'));
  client.on('close', () => server.close());
});
