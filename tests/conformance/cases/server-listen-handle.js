// listen() on another server's handle: one port for both.
'use strict';
const { log, net, watch } = require('../prelude');

const first = net.createServer();
first.listen(0, '127.0.0.1', () => {
  const second = watch('second', net.createServer());
  second.listen(first, () => {
    log('second', 'address', second.address().address, second.address().port === first.address().port);
    second.close();
    first.close();
  });
});
