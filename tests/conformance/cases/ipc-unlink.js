// close() removes the path.
'use strict';
const { log, net, tmp } = require('../prelude');
const fs = require('node:fs');

const server = net.createServer();
server.listen(tmp('a.sock'), () => {
  log('path', 'exists', fs.existsSync(tmp('a.sock')));
  server.close(() => log('path', 'exists', fs.existsSync(tmp('a.sock'))));
});
