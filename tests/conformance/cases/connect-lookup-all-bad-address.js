// A custom lookup whose list has no IP address: ERR_INVALID_IP_ADDRESS.
'use strict';
const { net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt');
client.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  done(null, [{ address: 'not-an-address', family: 4 }]);
} });
