// A listen() that fails, then close().
// difference: close-once: 'close' comes exactly once for each life, and not to what was never open; Node sends it more
//   often
'use strict';
const { callPort, cb, net, watch } = require('../prelude');

const first = net.createServer().listen(0, '127.0.0.1', () => {
  callPort(first.address().port, 'taken');
  const second = watch('second', net.createServer());
  second.on('error', () => {
    second.close(cb('second', 'closed'));
    first.close();
  });
  second.listen(first.address().port, '127.0.0.1');
});
