// resetAndDestroy() without a connection: ERR_SOCKET_CLOSED.
// difference: close-bool: 'close' always carries a bool, true where an error ended it; Node passes nothing where there
//   was no handle
'use strict';
const { net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
socket.resetAndDestroy();
