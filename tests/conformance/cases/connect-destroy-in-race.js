// destroy() inside 'connectionAttemptFailed': no further attempt.
// needs: ipv6
'use strict';
const { net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt connectionAttemptFailed');
client.on('connectionAttemptFailed', () => client.destroy());
client.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  done(null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]);
} });
