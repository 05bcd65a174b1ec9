// Writes while connecting arrive in order; their callbacks come after 'connect'.
'use strict';
const { cb, later, listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  watch('peer', peer, 'data');
  peer.on('close', () => server.close());
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'data');
  client.connect({ port, host: 'a.test', lookup: (host, options, done) => {
    later(10, () => done(null, [{ address: '127.0.0.1', family: 4 }]));
  } });
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  client.end('c', cb('client', 'ended'));
});
