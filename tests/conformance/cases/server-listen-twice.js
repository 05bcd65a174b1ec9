// listen() twice: ERR_SERVER_ALREADY_LISTEN.
'use strict';
const { attempt, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, '127.0.0.1', () => {
  attempt('server', 'listen again', () => server.listen(0, '127.0.0.1'));
  server.close();
});
