// connect() without port and path: ERR_MISSING_ARGS.
'use strict';
const { attempt, net, props, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('call', 'connect', () => socket.connect({}));
attempt('call', 'connect', () => socket.connect({ host: '127.0.0.1' }));
attempt('call', 'connect', () => socket.connect());
props('call', socket, 'connecting destroyed');
