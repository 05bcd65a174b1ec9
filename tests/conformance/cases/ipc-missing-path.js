// connect() to a path that is not there: ENOENT.
'use strict';
const { log, net, tmp, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'connectionAttempt connectionAttemptFailed');
client.on('error', (error) => log('client', 'details', error.code, error.syscall, error.address, error.port));
client.connect(tmp('missing.sock'));
