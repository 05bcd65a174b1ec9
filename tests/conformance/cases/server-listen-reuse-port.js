// reusePort: two servers on one port.
'use strict';
const { net, watch } = require('../prelude');

const first = watch('first', net.createServer());
first.listen({ port: 0, host: '127.0.0.1', reusePort: true }, () => {
  const second = watch('second', net.createServer());
  second.listen({ port: first.address().port, host: '127.0.0.1', reusePort: true }, () => {
    first.close();
    second.close();
  });
});
