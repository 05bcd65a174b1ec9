// listen() on a path that is too long.
// difference: ipc-path-too-long: an 'error' event ENAMETOOLONG that names the path and the limit, for listen and
//   connect alike; Node says EINVAL
'use strict';
const { attempt, log, net, tmp, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.removeAllListeners('error');
server.on('error', (error) => log('server', 'error', error.code, error.syscall));
attempt('call', 'listen', () => server.listen(tmp('x'.repeat(200))));
