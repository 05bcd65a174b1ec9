// The argument of 'close' when the socket never had a connection.
// difference: close-bool: 'close' always carries a bool, true where an error ended it; Node passes nothing where there
//   was no handle
'use strict';
const { log, net } = require('../prelude');

const socket = new net.Socket();
socket.on('close', (...args) => log('socket', 'close', args.length, typeof args[0]));
socket.destroy();
