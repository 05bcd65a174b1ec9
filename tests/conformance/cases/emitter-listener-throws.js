// A listener that throws: emit() passes it on and calls no further listener.
'use strict';
const { attempt, log, net } = require('../prelude');

const server = net.createServer();
server.on('test', () => {
  throw new Error('first');
});
server.on('test', () => log('server', 'second'));
attempt('server', 'emit', () => server.emit('test'));
