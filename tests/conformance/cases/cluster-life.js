// The events of a worker that starts, listens, and is told to end.
'use strict';
const { log, net } = require('../prelude');
const { clustered, end, whenListening } = require('../clusters');

const serve = (own) => {
  own.on('disconnect', () => log('in worker', 'disconnect', own.isConnected()));
  net.createServer().listen(0, '127.0.0.1');
};

clustered({ events: 'fork online listening disconnect exit' }, serve, () => whenListening(1, end));
