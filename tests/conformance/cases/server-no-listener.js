// A server without a 'connection' listener.
// difference: connection-waits: a connection that finds no listener waits for one, so that a listener that another
//   thread adds is not too late; Node drops the event, and the socket lives on
'use strict';
const { later, listen, log, net } = require('../prelude');

const server = net.createServer();
listen(server, (port) => {
  const client = net.connect(port, '127.0.0.1', () => later(30, () => {
    server.on('connection', (peer) => {
      log('server', 'late connection');
      peer.end();
    });
    later(30, () => {
      client.destroy();
      server.close();
      process.exit();
    });
  }));
});
