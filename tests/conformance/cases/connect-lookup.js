// A custom lookup: what it is asked, and the 'lookup' event.
'use strict';
const { listen, log, net, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'lookup connectionAttempt ready');
  client.connect({ port, host: 'a.test', lookup: (host, options, done) => {
    log('lookup', 'asked', host, options.family ?? 0, options.all);
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  } });
  client.resume();
});
