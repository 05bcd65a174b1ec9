// A path that this user may not open: EACCES.
// needs: root
'use strict';
const { net, tmp, watch } = require('../prelude');
const fs = require('node:fs');

const server = net.createServer();
server.listen(tmp('a.sock'), () => {
  fs.chmodSync(tmp(''), 0o755);
  fs.chmodSync(tmp('a.sock'), 0o600);
  process.seteuid(65534);
  const client = watch('client', net.connect(tmp('a.sock')));
  const second = watch('second', net.createServer());
  second.listen(tmp('b.sock'));
  client.on('close', () => {
    process.seteuid(0);
    server.close();
  });
});
