// worker.kill() in the primary: the worker ends.
// order: any
'use strict';
const { net } = require('../prelude');
const { clustered } = require('../clusters');

clustered({ events: 'disconnect exit' }, () => net.createServer().listen(0, '127.0.0.1'), (cluster) => {
  cluster.on('listening', (worker) => worker.kill());
});
