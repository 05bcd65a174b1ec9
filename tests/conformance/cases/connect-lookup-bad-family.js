// A custom lookup that gives a family that is none: ERR_INVALID_ADDRESS_FAMILY.
'use strict';
const { net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt');
client.connect({ port: 1, host: 'a.test', autoSelectFamily: false, lookup: (host, options, done) => {
  done(null, '127.0.0.1', 5);
} });
