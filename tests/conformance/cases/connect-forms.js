// The positional forms of connect().
// needs: ipv6
'use strict';
const { log, net } = require('../prelude');

const server = net.createServer((peer) => peer.end());
server.listen(0, () => {
  const { port } = server.address();
  const forms = [[port], [port, '127.0.0.1'], [String(port), '127.0.0.1'], [{ port }], [{ port, host: '127.0.0.1' }]];
  const next = (index) => {
    if (index === forms.length) return server.close();
    const client = net.createConnection(...forms[index], () => log('client', `form ${index}`));
    client.resume().on('close', () => next(index + 1));
  };
  next(0);
});
