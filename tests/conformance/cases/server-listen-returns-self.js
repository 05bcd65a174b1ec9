// listen(), close(), ref(), unref() return the server.
'use strict';
const { attempt, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('server', 'listen', () => server.listen(0, '127.0.0.1'));
attempt('server', 'unref', () => server.unref());
attempt('server', 'ref', () => server.ref());
server.on('listening', () => attempt('server', 'close', () => server.close()));
