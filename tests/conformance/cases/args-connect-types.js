// connect() with arguments of the wrong kind.
'use strict';
const { attempt, net } = require('../prelude');

const socket = new net.Socket();
attempt('socket', 'host', () => Boolean(socket.connect({ port: 1, host: 5 })));
attempt('socket', 'path', () => Boolean(socket.connect({ path: 5 })));
attempt('socket', 'localAddress', () => Boolean(socket.connect({ port: 1, host: '127.0.0.1', localAddress: 'x' })));
attempt('socket', 'localPort', () => Boolean(socket.connect({ port: 1, host: '127.0.0.1', localPort: 'x' })));
attempt('socket', 'autoSelectFamily', () => Boolean(socket.connect({ port: 1, host: 'a.test', autoSelectFamily: 5 })));
attempt('socket', 'attemptTimeout',
  () => Boolean(socket.connect({ port: 1, host: 'a.test', autoSelectFamilyAttemptTimeout: -1 })));
socket.destroy();
