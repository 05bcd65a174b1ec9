// destroy() of a socket that never connected: 'close' alone.
'use strict';
const { attempt, net, props, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('call', 'destroy', () => socket.destroy());
props('call', socket, 'destroyed connecting pending readyState');
