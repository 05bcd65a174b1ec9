// An address that is not this machine's: EADDRNOTAVAIL.
'use strict';
const { net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '192.0.2.1');
