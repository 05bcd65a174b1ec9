// listen() on a descriptor that is not open: an 'error' event.
'use strict';
const { attempt, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('server', 'listen', () => server.listen({ fd: 9999 }));
