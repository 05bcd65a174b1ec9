// ref() after unref() keeps the program alive.
'use strict';
const { later, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.unref();
server.listen(0, '127.0.0.1');
server.ref();
const timer = later(60, () => server.close());
timer.unref();
