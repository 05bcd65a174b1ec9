// A local address that is not this machine's.
'use strict';
const { net, watch } = require('../prelude');

const client = watch('client', new net.Socket());
client.connect({ port: 1, host: '127.0.0.1', localAddress: '192.0.2.1' });
