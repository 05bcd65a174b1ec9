// resetAndDestroy() without a connection: ERR_SOCKET_CLOSED.
'use strict';
const { net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
socket.resetAndDestroy();
