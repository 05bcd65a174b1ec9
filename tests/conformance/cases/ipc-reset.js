// resetAndDestroy() of an IPC connection: ERR_INVALID_HANDLE_TYPE.
'use strict';
const { attempt, net, tmp, watch } = require('../prelude');

const server = net.createServer((peer) => {
  watch('peer', peer, 'data');
  server.close();
});
server.listen(tmp('a.sock'), () => {
  const client = watch('client', net.connect(tmp('a.sock')), 'data');
  client.on('connect', () => {
    attempt('client', 'reset', () => client.resetAndDestroy());
    client.end();
  });
});
