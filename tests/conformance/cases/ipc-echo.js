// A connection through a path.
'use strict';
const { net, tmp, watch } = require('../prelude');

const server = watch('server', net.createServer((peer) => {
  watch('peer', peer, 'data');
  peer.pipe(peer);
  server.close();
}));
server.listen(tmp('echo.sock'), () => {
  const client = watch('client', net.connect(tmp('echo.sock')), 'lookup ready data');
  client.once('data', () => client.end());
  client.write('over a path');
});
