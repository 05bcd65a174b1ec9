// A port that is neither a number nor text.
// difference: bad-port-code: whatever is not a port is ERR_SOCKET_BAD_PORT; Node says ERR_INVALID_ARG_TYPE where it is
//   neither a number nor text
'use strict';
const { attempt, net } = require('../prelude');

const socket = new net.Socket();
for (const port of [true, {}, []]) {
  attempt('socket', 'connect', () => Boolean(socket.connect({ port, host: '127.0.0.1' })));
}
socket.destroy();
