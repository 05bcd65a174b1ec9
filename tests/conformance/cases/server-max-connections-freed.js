// A place becomes free when a connection closes.
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer((peer) => {
  log('peer', 'connection');
  peer.on('close', () => step());
  peer.resume();
});
let left = 3;
const step = () => {
  if (left === 0) return server.close();
  left -= 1;
  const client = net.connect(server.address().port, '127.0.0.1', () => client.end());
  client.resume();
};
server.maxConnections = 1;
server.listen(0, '127.0.0.1', step);
