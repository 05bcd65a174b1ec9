// The property timeout.
'use strict';
const { net, props } = require('../prelude');

const socket = new net.Socket();
props('socket', socket, 'timeout');
socket.setTimeout(1000);
props('socket', socket, 'timeout');
socket.setTimeout(0);
props('socket', socket, 'timeout');
socket.destroy();
