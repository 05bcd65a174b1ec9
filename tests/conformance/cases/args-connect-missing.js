// connect() without port and path: ERR_MISSING_ARGS.
'use strict';
const { attempt, net, props, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('socket', 'connect', () => socket.connect({}));
attempt('socket', 'connect', () => socket.connect({ host: '127.0.0.1' }));
attempt('socket', 'connect', () => socket.connect());
props('socket', socket, 'connecting destroyed');
