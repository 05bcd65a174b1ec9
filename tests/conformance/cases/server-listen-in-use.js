// A port in use: EADDRINUSE as 'error'; the server can listen elsewhere then.
'use strict';
const { callPort, log, net, props, watch } = require('../prelude');

const first = net.createServer().listen(0, '127.0.0.1', () => {
  const port = callPort(first.address().port, 'taken');
  const second = watch('second', net.createServer());
  second.on('error', (error) => {
    log('second', 'details', error.code, error.syscall, error.address, error.port);
    props('second', second, 'listening');
    first.close();
    second.listen(0, '127.0.0.1', () => second.close());
  });
  second.listen(port, '127.0.0.1');
});
