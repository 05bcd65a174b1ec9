// listeners(), listenerCount(), eventNames(), removeAllListeners().
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer();
const a = () => {};
server.on('x', a).on('x', a).once('y', a);
log('server', 'count', server.listenerCount('x'), server.listenerCount('y'), server.listenerCount('z'));
log('server', 'names', server.eventNames());
log('server', 'listeners', server.listeners('x').length, server.listeners('y')[0] === a);
server.off('x', a);
log('server', 'count', server.listenerCount('x'));
server.removeAllListeners('x');
log('server', 'names', server.eventNames());
server.removeAllListeners();
log('server', 'names', server.eventNames(), server.getMaxListeners());
server.setMaxListeners(3);
log('server', 'max', server.getMaxListeners());
