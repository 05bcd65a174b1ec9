// A program that makes a socket and does nothing with it ends.
'use strict';
const { log, net } = require('../prelude');

new net.Socket();
net.createServer();
log('program', 'end');
