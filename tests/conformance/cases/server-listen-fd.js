// listen() on a descriptor that is bound already.
'use strict';
const { log, net, watch } = require('../prelude');

if (process.argv[2] !== 'child') {
  const { spawn } = require('node:child_process');
  const first = net.createServer();
  first.listen(0, '127.0.0.1', () => {
    const child = spawn(process.execPath, [__filename, 'child'], { stdio: ['ignore', 1, 2, first._handle.fd] });
    child.on('exit', () => first.close());
  });
} else {
  const server = watch('server', net.createServer());
  server.listen({ fd: 3 }, () => {
    log('server', 'address', server.address().address);
    server.close();
  });
}
