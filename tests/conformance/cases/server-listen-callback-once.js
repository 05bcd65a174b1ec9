// The callback of listen() is called for its own listen() only.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '127.0.0.1', () => {
  log('server', 'first callback');
  server.close(() => server.listen(0, '127.0.0.1', () => {
    log('server', 'second callback');
    server.close();
  }));
});
