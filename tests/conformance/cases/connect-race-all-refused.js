// Every address refuses: the AggregateError names them all.
// needs: ipv6
'use strict';
const { net, props, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt connectionAttemptFailed connectionAttemptTimeout');
client.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  done(null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]);
} });
client.on('close', () => props('client', client, 'autoSelectFamilyAttemptedAddresses'));
