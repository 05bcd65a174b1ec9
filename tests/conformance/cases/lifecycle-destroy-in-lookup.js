// destroy() inside 'lookup': no attempt is made.
'use strict';
const { log, net, watch } = require('../prelude');

const client = watch('client', net.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  process.nextTick(done, null, [{ address: '127.0.0.1', family: 4 }]);
} }), 'connectionAttempt');
client.on('lookup', (error, address, family, host) => {
  log('client', 'lookup', error, address, family, host);
  client.destroy();
});
