// write() on a socket that never connected: ERR_SOCKET_CLOSED, 'error', 'close'.
'use strict';
const { attempt, cb, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('socket', 'write', () => socket.write('x', cb('socket', 'wrote')));
