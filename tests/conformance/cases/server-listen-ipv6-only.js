// ipv6Only: no IPv4 client gets in.
// needs: ipv6
'use strict';
const { callPort, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen({ port: 0, host: '::', ipv6Only: true }, () => {
  const port = callPort(server.address().port, 'server');
  const client = watch('client', net.connect(port, '127.0.0.1'));
  client.on('close', () => server.close());
});
