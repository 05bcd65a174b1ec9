// write() on a socket that never connected: ERR_SOCKET_CLOSED, 'error', 'close'.
// difference: close-bool: 'close' always carries a bool, true where an error ended it; Node passes nothing where there
//   was no handle
'use strict';
const { attempt, cb, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('call', 'write', () => socket.write('x', cb('socket', 'wrote')));
