// maxConnections = 0 drops all.
'use strict';
const { listen, log, net } = require('../prelude');

const server = net.createServer(() => log('server', 'connection'));
server.maxConnections = 0;
listen(server, (port) => {
  const client = net.connect(port, '127.0.0.1');
  client.resume().on('error', () => {});
  client.on('close', () => {
    log('client', 'closed');
    server.close();
  });
});
