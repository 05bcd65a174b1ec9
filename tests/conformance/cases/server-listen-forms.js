// The positional forms of listen().
'use strict';
const { log, net } = require('../prelude');

const forms = [[0], [0, '127.0.0.1'], [0, '127.0.0.1', 16], ['0'], [{ port: 0, host: '127.0.0.1' }], []];
const next = (index) => {
  if (index === forms.length) return;
  const server = net.createServer();
  const result = server.listen(...forms[index], () => {
    const { family, port } = server.address();
    log('server', `form ${index}`, family, port > 0, result === server);
    server.close(() => next(index + 1));
  });
};
next(0);
