// A custom lookup that gives no IP address: ERR_INVALID_IP_ADDRESS.
'use strict';
const { net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt');
client.connect({ port: 1, host: 'a.test', autoSelectFamily: false, lookup: (host, options, done) => {
  done(null, 'not-an-address', 4);
} });
