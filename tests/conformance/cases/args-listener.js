// A connection listener that cannot be called.
'use strict';
const { attempt, net } = require('../prelude');

attempt('net', 'createServer', () => Boolean(net.createServer('x')));
attempt('net', 'on', () => Boolean(net.createServer().on('connection', 5)));
