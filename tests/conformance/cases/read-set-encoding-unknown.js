// setEncoding() with an unknown encoding.
'use strict';
const { attempt, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
attempt('call', 'setEncoding', () => socket.setEncoding('nonsense'));
socket.destroy();
