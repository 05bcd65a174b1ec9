// Half-open works through a path too.
'use strict';
const { net, tmp, watch } = require('../prelude');

const server = net.createServer({ allowHalfOpen: true }, (peer) => {
  watch('peer', peer, 'data');
  peer.on('end', () => peer.end('the answer'));
  server.close();
});
server.listen(tmp('a.sock'), () => watch('client', net.connect(tmp('a.sock')), 'data').end('the question'));
