// close() inside 'connection'.
'use strict';
const { net, watch } = require('../prelude');

const server = watch('server', net.createServer((peer) => {
  watch('peer', peer, 'data');
  server.close();
}));
server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1').resume().end('x'));
