// maxConnections on a path: 'drop' without data.
'use strict';
const { log, net, tmp } = require('../prelude');

const server = net.createServer(() => log('server', 'connection'));
server.maxConnections = 0;
server.on('drop', (data) => log('server', 'drop', data));
server.listen(tmp('a.sock'), () => {
  const client = net.connect(tmp('a.sock'));
  client.on('error', () => {});
  client.resume().on('close', () => server.close());
});
