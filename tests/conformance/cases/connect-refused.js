// A refused connection: the error's details, then 'close' with true.
'use strict';
const { log, net, props, watch } = require('../prelude');

const client = watch('client', net.connect(1, '127.0.0.1'), 'lookup connectionAttempt connectionAttemptFailed ready');
client.on('error', (error) => {
  log('client', 'details', error.code, error.syscall, error.address, error.port);
  props('client', client, 'destroyed connecting pending readyState');
});
