// unref() before listen().
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer();
server.unref();
server.listen(0, '127.0.0.1');
log('server', 'started');
