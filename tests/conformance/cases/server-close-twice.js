// close() twice: the second callback gets ERR_SERVER_NOT_RUNNING.
// difference: close-once: 'close' comes exactly once for each life, and not to what was never open; Node sends it more
//   often
'use strict';
const { cb, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '127.0.0.1', () => {
  server.close(cb('server', 'closed'));
  server.close(cb('server', 'closed again'));
});
