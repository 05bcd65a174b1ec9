// A signal that is aborted already closes the server at once.
'use strict';
const { net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen({ port: 0, host: '127.0.0.1', signal: AbortSignal.abort() });
