// close() right after listen(): no 'listening', but a 'close'.
'use strict';
const { cb, later, log, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(0, () => server.close());
server.once('close', () => {
  server.listen(0, cb('server', 'callback'));
  server.close((error) => {
    log('server', 'closed', error);
    later(30, () => log('server', 'later', server.listening));
  });
});
