// listen() with a port and a path: the port wins.
'use strict';
const { log, net, tmp, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen({ port: 0, host: '127.0.0.1', path: tmp('unused.sock') }, () => {
  log('server', 'family', server.address().family);
  server.close();
});
