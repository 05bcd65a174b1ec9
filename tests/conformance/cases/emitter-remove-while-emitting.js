// Listeners that are removed or added while an event is emitted.
'use strict';
const { log, net } = require('../prelude');

const socket = new net.Socket();
const second = () => log('socket', 'second');
socket.on('test', () => {
  socket.off('test', second);
  socket.on('test', () => log('socket', 'added'));
});
socket.on('test', second);
socket.emit('test');
log('socket', 'again');
socket.emit('test');
