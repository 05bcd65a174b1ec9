// A worker that a signal ends: 'disconnect' and 'exit', with the signal's name.
// order: any
'use strict';
const { net } = require('../prelude');
const { clustered } = require('../clusters');

clustered({ events: 'listening disconnect exit' }, () => net.createServer().listen(0, '127.0.0.1'), (cluster) => {
  cluster.on('listening', (worker) => process.kill(worker.process.pid, 'SIGKILL'));
});
