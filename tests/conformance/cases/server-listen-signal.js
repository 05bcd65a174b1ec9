// A signal closes the server.
'use strict';
const { net, watch } = require('../prelude');

const controller = new AbortController();
const server = watch('server', net.createServer());
server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal }, () => controller.abort());
