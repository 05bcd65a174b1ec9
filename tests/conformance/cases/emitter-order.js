// on(), once(), prependListener(): the order of calls.
'use strict';
const { log, net } = require('../prelude');

const socket = new net.Socket();
socket.on('test', () => log('socket', 'two'));
socket.prependListener('test', () => log('socket', 'one'));
socket.once('test', () => log('socket', 'three, once'));
socket.prependOnceListener('test', () => log('socket', 'zero, once'));
log('socket', 'emit', socket.emit('test'), socket.emit('test'), socket.emit('nobody'));
