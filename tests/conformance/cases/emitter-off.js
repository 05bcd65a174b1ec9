// off() of a once() listener, and of one that is not there.
'use strict';
const { log, net } = require('../prelude');

const socket = new net.Socket();
const listener = () => log('socket', 'called');
socket.once('test', listener);
socket.off('test', listener);
socket.off('test', listener);
socket.on('test', listener).on('test', listener);
socket.off('test', listener);
log('socket', 'emit', socket.emit('test'));
