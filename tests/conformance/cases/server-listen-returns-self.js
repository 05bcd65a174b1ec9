// listen(), close(), ref(), unref() return the server.
'use strict';
const { attempt, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('call', 'listen', () => server.listen(0, '127.0.0.1'));
attempt('call', 'unref', () => server.unref());
attempt('call', 'ref', () => server.ref());
server.on('listening', () => attempt('server', 'close', () => server.close()));
