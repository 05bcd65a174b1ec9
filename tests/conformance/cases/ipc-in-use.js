// A path in use: EADDRINUSE.
'use strict';
const { net, tmp, watch } = require('../prelude');

const first = net.createServer().listen(tmp('a.sock'), () => {
  const second = watch('second', net.createServer());
  second.on('error', () => first.close());
  second.listen(tmp('a.sock'));
});
