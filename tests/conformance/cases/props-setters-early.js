// The setters before connect() and after close.
'use strict';
const { attempt, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('call', 'setNoDelay', () => socket.setNoDelay());
attempt('call', 'setKeepAlive', () => socket.setKeepAlive(true, 1000));
attempt('call', 'ref', () => socket.ref());
attempt('call', 'unref', () => socket.unref());
socket.on('close', () => {
  attempt('socket', 'setNoDelay', () => socket.setNoDelay());
  attempt('socket', 'setKeepAlive', () => socket.setKeepAlive(false));
});
socket.destroy();
