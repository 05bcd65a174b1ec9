// Four megabytes through a path.
'use strict';
const { net, receive, tmp } = require('../prelude');

const server = net.createServer((peer) => {
  receive('peer', peer);
  server.close();
});
server.listen(tmp('a.sock'), () => net.connect(tmp('a.sock')).resume().end(Buffer.alloc(4 << 20, 'path')));
