// An address that somebody else has: each worker gets the 'error', and may go on.
// difference: cluster-listen-error: here what `listen` says does not depend on who called bind; Node's workers name the
//   call of the primary, and leave out the explanation
'use strict';
const fs = require('node:fs');
const { callPort, log, net, tmp } = require('../prelude');
const { clustered, collect, end } = require('../clusters');

const serve = (own) => {
  const port = callPort(Number(fs.readFileSync(tmp('port'), 'utf8')), 'taken');
  const server = net.createServer().listen(port, '127.0.0.1', () => log('server', 'listening'));
  server.on('error', (error) => {
    log(`in worker ${own.id}`, 'error', error, server.listening);
    own.send(error.code);
  });
};

const start = () => clustered({ workers: 2, events: 'listening exit' }, serve, () => {
  collect(2, (codes) => {
    log('primary', 'codes', codes);
    end();
    other.close();
  });
});

const other = require('node:cluster').isPrimary && net.createServer().listen(0, '127.0.0.1', () => {
  fs.writeFileSync(tmp('port'), String(other.address().port));
  start();
});
if (!other) start();
