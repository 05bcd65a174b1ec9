// new Socket() with options of the wrong kind.
'use strict';
const { attempt, net } = require('../prelude');

attempt('socket', 'highWaterMark', () => Boolean(new net.Socket({ highWaterMark: -1 })));
attempt('socket', 'signal', () => Boolean(new net.Socket({ signal: 'x' })));
attempt('socket', 'fd', () => Boolean(new net.Socket({ fd: -1 })));
attempt('socket', 'fd', () => Boolean(new net.Socket({ fd: 'x' })));
