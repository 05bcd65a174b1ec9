// A custom lookup with family 4: one address is asked for.
'use strict';
const { listen, log, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'lookup connectionAttempt ready');
  client.connect({ port, host: 'a.test', family: 4, lookup: (host, options, done) => {
    log('lookup', 'asked', host, options.family, Boolean(options.all));
    done(null, '127.0.0.1', 4);
  } });
  client.resume();
});
