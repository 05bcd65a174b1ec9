// A worker closes its server and lives on: connections go to the other one.
'use strict';
const { log, net } = require('../prelude');
const { ask, clustered, collect, end, whenListening } = require('../clusters');

const serve = (own) => {
  const server = net.createServer((socket) => socket.end(String(own.id))).listen(0, '127.0.0.1');
  own.on('message', () => server.close(() => own.send('closed')));
};

clustered({ workers: 2 }, serve, (cluster) => {
  let place;
  whenListening(2, ({ port }) => {
    place = { port, host: '127.0.0.1' };
    cluster.workers[1].send('close');
  });
  collect(1, () => ask(place, 4, (answers) => {
    log('clients', 'answers', answers);
    end();
  }));
});
