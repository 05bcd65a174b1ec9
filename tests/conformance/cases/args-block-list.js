// A block list that is none.
'use strict';
const { attempt, net } = require('../prelude');

attempt('socket', 'blockList', () => Boolean(new net.Socket({ blockList: 'x' })));
attempt('server', 'blockList', () => Boolean(net.createServer({ blockList: {} })));
