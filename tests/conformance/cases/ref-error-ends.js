// A refused connection does not keep the program alive.
'use strict';
const { log, net } = require('../prelude');

const client = net.connect(1, '127.0.0.1');
client.on('error', (error) => log('client', 'error', error));
