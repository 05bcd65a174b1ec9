// A name that nobody knows: getaddrinfo, and its host name.
'use strict';
const { cb, log, net } = require('../prelude');

const client = new net.Socket();
client.on('error', (error) => log('client', 'error', error.syscall, error.hostname));
client.on('close', cb('client', 'close'));
client.connect(1, 'no-such-host.invalid');
