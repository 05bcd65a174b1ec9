// Ports as text of digits.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen({ port: '0', host: '127.0.0.1' }, () => {
  const { port } = server.address();
  const client = net.connect({ port: String(port), host: '127.0.0.1' }, () => {
    log('client', 'connected');
    client.destroy();
    server.close();
  });
});
server.on('connection', (peer) => peer.resume());
