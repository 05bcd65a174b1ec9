// The setters before connect() and after close.
'use strict';
const { attempt, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('socket', 'setNoDelay', () => socket.setNoDelay());
attempt('socket', 'setKeepAlive', () => socket.setKeepAlive(true, 1000));
attempt('socket', 'ref', () => socket.ref());
attempt('socket', 'unref', () => socket.unref());
socket.on('close', () => {
  attempt('socket', 'setNoDelay', () => socket.setNoDelay());
  attempt('socket', 'setKeepAlive', () => socket.setKeepAlive(false));
});
socket.destroy();
