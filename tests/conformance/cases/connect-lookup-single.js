// A custom lookup that gives one address where a list is asked for.
// difference: lookup-forms: a lookup may return an address, a pair or a list of pairs, whatever it was asked for; Node
//   takes the text apart and fails
'use strict';
const { listen, net, watch } = require('../prelude');

const server = net.createServer((peer) => peer.end());
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'lookup connectionAttempt');
  client.connect({ port, host: 'a.test', lookup: (host, options, done) => done(null, '127.0.0.1', 4) });
  client.resume().on('close', () => server.close());
});
