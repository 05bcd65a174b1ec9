// The properties of a new socket.
'use strict';
const { log, net, props } = require('../prelude');

const socket = new net.Socket();
props('socket', socket, 'connecting pending destroyed readyState bytesRead bytesWritten timeout allowHalfOpen ' +
  'readable writable readableEnded readableFlowing readableLength writableEnded writableFinished writableLength ' +
  'writableNeedDrain localAddress localPort localFamily remoteAddress remotePort remoteFamily');
log('socket', 'address', socket.address());
socket.destroy();
