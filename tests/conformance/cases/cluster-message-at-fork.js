// A message that is sent before the worker runs waits for the listener that the worker's program sets.
'use strict';
const { log } = require('../prelude');
const { clustered, collect, end } = require('../clusters');

const serve = (own) => {
  for (const until = Date.now() + 200; Date.now() < until;);       // a program that takes its time to begin
  own.on('message', (value) => {
    log('in worker', 'message', value);
    own.send('heard');
  });
};

clustered({ events: 'message' }, serve, (cluster) => {
  cluster.on('fork', (worker) => worker.send('early'));
  collect(1, end);
});
