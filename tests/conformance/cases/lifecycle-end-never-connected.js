// end() on a socket that never connected.
'use strict';
const { cb, later, net, props, until, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
socket.end(cb('socket', 'ended'));
until(() => socket.writableFinished, () => later(50, () => {
  props('socket', socket, 'destroyed writableEnded writableFinished readyState');
}));
