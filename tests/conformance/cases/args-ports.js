// What is a port, for connect().
'use strict';
const { attempt, net } = require('../prelude');

const socket = new net.Socket();
for (const port of [65536, -1, 'x', '', ' ', 1.5, NaN, Infinity, '99999', '-1']) {
  attempt('socket', 'connect', () => Boolean(socket.connect({ port, host: '127.0.0.1' })));
}
socket.destroy();
