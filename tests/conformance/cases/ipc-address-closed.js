// address() of a server on a path, after close().
// difference: address-after-close: None once the server is closed, as for TCP; Node goes on giving the path
'use strict';
const { log, net, tmp } = require('../prelude');

const server = net.createServer();
server.listen(tmp('a.sock'), () => {
  server.close(() => log('server', 'address', server.address(), server.listening));
});
