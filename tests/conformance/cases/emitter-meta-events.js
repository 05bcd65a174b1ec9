// 'newListener' and 'removeListener'.
'use strict';
const { log, net } = require('../prelude');

const socket = new net.Socket();
socket.on('newListener', (event) => log('socket', 'new', event, socket.listenerCount(event)));
socket.on('removeListener', (event) => log('socket', 'removed', event, socket.listenerCount(event)));
const listener = () => {};
socket.on('x', listener);
socket.once('test', listener);
socket.off('x', listener);
socket.emit('test');
