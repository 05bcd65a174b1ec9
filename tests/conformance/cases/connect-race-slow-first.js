// The first address hangs: 'connectionAttemptTimeout', and the second wins.
// needs: blackhole
'use strict';
const { blackhole, net, props, watch } = require('../prelude');

const port = blackhole();
const server = net.createServer((peer) => {
  peer.end();
  server.close();
});
server.listen(port, '127.0.0.1', () => {
  const client = watch('client', new net.Socket(),
    'connectionAttempt connectionAttemptFailed connectionAttemptTimeout ready');
  client.connect({ port, host: 'a.test', autoSelectFamilyAttemptTimeout: 50, lookup: (host, options, done) => {
    done(null, [{ address: '127.0.0.2', family: 4 }, { address: '127.0.0.1', family: 4 }]);
  } });
  client.on('connect', () => props('client', client, 'autoSelectFamilyAttemptedAddresses remoteAddress'));
  client.resume();
});
