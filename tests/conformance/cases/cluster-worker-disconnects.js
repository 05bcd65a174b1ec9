// A worker disconnects itself: its server closes, and its process ends with status 0.
'use strict';
const { log, net } = require('../prelude');
const { clustered } = require('../clusters');

const serve = (own) => {
  own.on('disconnect', () => log('in worker', 'disconnect', own.isConnected()));
  const server = net.createServer().on('close', () => log('server', 'close'));
  server.listen(0, '127.0.0.1', () => own.disconnect());
};

clustered({ events: 'online disconnect exit' }, serve, () => {});
