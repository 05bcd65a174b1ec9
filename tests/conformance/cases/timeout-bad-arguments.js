// setTimeout() with bad arguments.
'use strict';
const { attempt, net } = require('../prelude');

const socket = new net.Socket();
for (const value of [-1, NaN, Infinity, '100', 2 ** 31]) {
  attempt('socket', 'setTimeout', () => Boolean(socket.setTimeout(value)));
}
attempt('socket', 'callback', () => socket.setTimeout(10, 'x'));
socket.destroy();
