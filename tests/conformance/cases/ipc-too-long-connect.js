// connect() to a path that is too long.
// difference: ipc-path-too-long: an 'error' event ENAMETOOLONG that names the path and the limit, for listen and
//   connect alike; Node says EINVAL
'use strict';
const { attempt, log, net, tmp, watch } = require('../prelude');

const client = watch('client', new net.Socket());
client.removeAllListeners('error');
client.on('error', (error) => log('client', 'error', error.code, error.syscall));
attempt('call', 'connect', () => client.connect(tmp('x'.repeat(200))));
