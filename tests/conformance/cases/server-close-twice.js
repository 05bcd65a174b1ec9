// close() twice: the second callback gets ERR_SERVER_NOT_RUNNING.
'use strict';
const { cb, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '127.0.0.1', () => {
  server.close(cb('server', 'closed'));
  server.close(cb('server', 'closed again'));
});
