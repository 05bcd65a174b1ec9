// connect() with hints that are none.
'use strict';
const { attempt, net } = require('../prelude');

const socket = new net.Socket();
attempt('socket', 'hints', () => Boolean(socket.connect({ port: 1, host: 'a.test', hints: 0x10000000 })));
socket.destroy();
