// A blocked client is closed at once, and no 'connection' comes.
'use strict';
const { listen, log, net } = require('../prelude');

const blockList = new net.BlockList();
blockList.addAddress('127.0.0.1');
const server = net.createServer({ blockList }, () => log('server', 'connection'));
listen(server, (port) => {
  const client = net.connect(port, '127.0.0.1');
  client.resume().on('error', () => {});
  client.on('close', () => {
    log('client', 'closed');
    server.close();
  });
});
