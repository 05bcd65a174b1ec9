// A worker at maxConnections leaves the next connection to the other one; when both are full it waits.
'use strict';
const { later, log, net } = require('../prelude');
const { clustered, end, whenListening } = require('../clusters');

const serve = (own) => {
  const server = net.createServer((socket) => socket.write(String(own.id)));
  server.on('drop', () => log(`in worker ${own.id}`, 'drop'));
  server.maxConnections = 1;
  server.listen(0, '127.0.0.1');
};

clustered({ workers: 2 }, serve, () => {
  whenListening(2, ({ port }) => {
    const clients = [];
    const served = [];
    const open = () => {
      const client = net.connect(port, '127.0.0.1').setEncoding('utf8');
      clients.push(client);
      client.on('data', (id) => {
        served.push(id);
        if (served.length === 1) open();
        if (served.length === 2) {
          log('clients', 'two', [...served].sort());
          open();
          later(300, () => {
            log('clients', 'the third waits', served.length === 2);
            clients[0].end();
          });
        }
        if (served.length === 3) {
          log('clients', 'the third is served', served[2] === served[0]);
          clients.forEach((each) => each.end());
          end();
        }
      });
    };
    open();
  });
});
