// Messages in both directions arrive whole and in order.
'use strict';
const { log } = require('../prelude');
const { clustered, collect, end } = require('../clusters');

const VALUES = ['text', 17, null, true, [1, 'two'], { three: 3 }];

const serve = (own) => own.on('message', (value) => {
  log('in worker', 'message', value);
  own.send([value]);
});

clustered({ events: 'message' }, serve, (cluster) => {
  cluster.on('online', (worker) => VALUES.forEach((value) => worker.send(value)));
  collect(VALUES.length, end);
});
