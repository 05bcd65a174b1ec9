// Families alternate, the first one's first.
// needs: ipv6
'use strict';
const { log, net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt');
client.removeAllListeners('error');
client.on('error', (error) => log('client', 'error', error.code, error.errors.map((each) => each.message)));
client.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  done(null, [{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 },
    { address: '127.0.0.3', family: 4 }, { address: '::1', family: 6 }]);
} });
