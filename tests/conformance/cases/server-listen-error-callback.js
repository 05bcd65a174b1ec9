// listen() that fails does not call its callback.
'use strict';
const { callPort, cb, net, watch } = require('../prelude');

const first = net.createServer().listen(0, '127.0.0.1', () => {
  callPort(first.address().port, 'taken');
  const second = watch('second', net.createServer());
  second.listen(first.address().port, '127.0.0.1', cb('second', 'callback'));
  second.on('error', () => first.close());
});
