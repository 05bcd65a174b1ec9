// setTimeout() of a socket that never connected fires too.
'use strict';
const { later, net, watch } = require('../prelude');

const socket = watch('socket', new net.Socket());
socket.setTimeout(30, () => socket.destroy());
later(60, () => {});
