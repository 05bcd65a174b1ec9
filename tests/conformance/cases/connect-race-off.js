// autoSelectFamily: false tries one address.
// needs: ipv6
'use strict';
const { log, net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'lookup connectionAttempt connectionAttemptFailed');
client.connect({ port: 1, host: 'a.test', autoSelectFamily: false, lookup: (host, options, done) => {
  log('lookup', 'all', Boolean(options.all));
  done(null, '::1', 6);
} });
