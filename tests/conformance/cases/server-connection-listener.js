// The listener given to createServer is a 'connection' listener.
'use strict';
const { log, net, props } = require('../prelude');

const server = net.createServer((peer) => {
  log('server', 'connection', peer instanceof net.Socket, peer.server === server);
  props('peer', peer, 'connecting pending readyState allowHalfOpen readable writable');
  peer.end();
  server.close();
});
log('server', 'listeners', server.listenerCount('connection'));
server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1').resume());
