// Symbol.asyncDispose closes the server.
'use strict';
const { log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '127.0.0.1', async () => {
  await server[Symbol.asyncDispose]();
  log('disposed', 'listening', server.listening);
});
