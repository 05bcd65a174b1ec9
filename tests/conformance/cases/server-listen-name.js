// listen() with a host name.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, 'localhost', () => {
  log('server', 'loopback', ['127.0.0.1', '::1'].includes(server.address().address));
  server.close();
});
