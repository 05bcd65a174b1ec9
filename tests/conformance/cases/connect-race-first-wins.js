// The first address connects; the second is not tried.
// needs: ipv6
'use strict';
const { listen, net, props, watch } = require('../prelude');

const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(),
    'lookup connectionAttempt connectionAttemptFailed connectionAttemptTimeout ready');
  client.connect({ port, host: 'a.test', lookup: (host, options, done) => {
    done(null, [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]);
  } });
  client.on('connect', () => props('client', client, 'autoSelectFamilyAttemptedAddresses remoteAddress'));
  client.resume();
});
