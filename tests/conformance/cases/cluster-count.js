// A worker's server counts the connections that it has, not those of other workers.
'use strict';
const { log, net } = require('../prelude');
const { clustered, collect, end, whenListening } = require('../clusters');

const serve = (own) => {
  const server = net.createServer((socket) => socket.resume().write('.')).listen(0, '127.0.0.1');
  own.on('message', () => server.getConnections((error, count) => own.send([error, count])));
};

clustered({ workers: 2 }, serve, (cluster) => {
  const clients = [];
  whenListening(2, ({ port }) => {
    let served = 0;
    for (let i = 0; i < 4; i++) {
      clients.push(net.connect(port, '127.0.0.1').once('data', () => {
        if (++served === 4) Object.values(cluster.workers).forEach((worker) => worker.send('count'));
      }));
    }
  });
  collect(2, (answers) => {
    log('counts', 'errors', answers.map(([error]) => error));
    log('counts', 'sum', answers[0][1] + answers[1][1]);
    log('counts', 'both', answers.every(([, count]) => count > 0));
    clients.forEach((client) => client.destroy());
    end();
  });
});
