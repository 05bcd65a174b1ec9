// connect() with a port and a path: the path wins.
'use strict';
const { net, tmp, watch } = require('../prelude');

const server = watch('server', net.createServer((peer) => {
  peer.end();
  server.close();
}));
server.listen(tmp('a.sock'), () => {
  const client = watch('client', new net.Socket());
  client.connect({ port: 1, host: '127.0.0.1', path: tmp('a.sock') });
  client.resume();
});
