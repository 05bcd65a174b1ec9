// listen() with a host and neither port nor path.
// difference: listen-host-alone: netcompat takes an unused port; Node throws ERR_INVALID_ARG_VALUE, though without any
//   option it takes an unused port too
'use strict';
const { attempt, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('call', 'listen', () => server.listen({ host: '127.0.0.1' }));
server.on('listening', () => server.close());
