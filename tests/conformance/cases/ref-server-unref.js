// An unref'd server does not keep the program alive.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '127.0.0.1', () => {
  server.unref();
  log('server', 'unref');
});
