// With exclusive each worker has a port of its own; the primary hears of no 'listening'.
'use strict';
const { log, net } = require('../prelude');
const { clustered, collect, end } = require('../clusters');

const serve = (own) => {
  const server = net.createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
    own.send(server.address().port);
  });
  own.on('disconnect', () => server.close());       // Node leaves it open, and the process alive
};

clustered({ workers: 2, events: 'listening exit' }, serve, () => {
  collect(2, ([one, other]) => {
    log('ports', 'distinct', one !== other);
    end();
  });
});
