// A message to a worker that has ended is an error that names no address.
// difference: cluster-send: here send() raises at once; Node's is an 'error' of the worker
'use strict';
const { attempt, watch } = require('../prelude');
const { clustered } = require('../clusters');

clustered({ events: 'exit' }, (own) => own.disconnect(), (cluster) => {
  cluster.on('fork', (worker) => watch('worker', worker, 'error'));
  cluster.on('exit', (worker) => attempt('worker', 'send', () => worker.send('late')));
});
