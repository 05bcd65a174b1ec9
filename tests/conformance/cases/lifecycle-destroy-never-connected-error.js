// destroy(error) of a socket that never connected: 'error' and 'close'.
'use strict';
const { net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
socket.destroy(new Error('boom'));
