// emit('error') without a listener throws.
'use strict';
const { attempt, log, net } = require('../prelude');

const server = net.createServer();
attempt('server', 'emit', () => server.emit('error', new Error('boom')));
server.on('error', (error) => log('server', 'error', error));
attempt('server', 'emit', () => server.emit('error', new Error('boom')));
