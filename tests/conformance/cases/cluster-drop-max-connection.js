// With dropMaxConnection a worker at maxConnections drops the next connection, and tells of it.
'use strict';
const { log, net } = require('../prelude');
const { clustered, end, whenListening } = require('../clusters');

const serve = (own) => {
  const server = net.createServer((socket) => socket.write(String(own.id)));
  server.on('drop', (data) => log(`in worker ${own.id}`, 'drop', data));
  server.maxConnections = 1;
  server.dropMaxConnection = true;
  server.listen(0, '127.0.0.1');
};

clustered({}, serve, () => {
  whenListening(1, ({ port }) => {
    const first = net.connect(port, '127.0.0.1');
    first.once('data', () => {
      const second = net.connect(port, '127.0.0.1').on('error', () => {});
      second.resume().on('close', () => {
        log('clients', 'the second was read', second.bytesRead);
        first.end();
        end();
      });
    });
  });
});
