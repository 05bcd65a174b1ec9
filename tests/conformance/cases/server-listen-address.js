// address() and listening before, while and after listening.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
const look = () => log('server', 'address', server.address(), server.listening);
look();
server.listen(0, '127.0.0.1', () => {
  look();
  server.close(look);
  look();
});
