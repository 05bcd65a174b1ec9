// readableAll and writableAll set the mode of the path.
'use strict';
const { log, net, tmp } = require('../prelude');
const fs = require('node:fs');

process.umask(0o077);
const forms = [{}, { readableAll: true }, { writableAll: true }, { readableAll: true, writableAll: true }];
const next = (index) => {
  if (index === forms.length) return;
  const server = net.createServer();
  server.listen({ path: tmp('a.sock'), ...forms[index] }, () => {
    log('path', 'others', (fs.statSync(tmp('a.sock')).mode & 0o66).toString(8));
    server.close(() => next(index + 1));
  });
};
next(0);
