// A host name that nobody knows: 'error' from getaddrinfo.
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer();
server.on('error', (error) => log('server', 'error', error.syscall, error.hostname));
server.listen(0, 'no-such-host.invalid');
