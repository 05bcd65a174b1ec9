// listen() again after 'close': a new life.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.on('listening', () => server.close());
server.once('close', () => {
  log('server', 'listening', server.listening);
  server.listen(0, '127.0.0.1');
});
server.listen(0, '127.0.0.1');
