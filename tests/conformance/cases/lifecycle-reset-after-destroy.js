// resetAndDestroy() after destroy().
'use strict';
const { attempt, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
socket.destroy();
socket.on('close', () => attempt('socket', 'reset', () => socket.resetAndDestroy()));
