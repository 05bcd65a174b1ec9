// A write while connecting is queued: what it returns, and 'drain'.
// difference: write-returns: write returns True when all of it is in the kernel's buffer and False when some is queued
//   in user memory, as the documentation says; Node's code compares with the high-water mark
'use strict';
const { attempt, cb, later, listen, net, props, watch } = require('../prelude');

const server = net.createServer((peer) => {
  watch('peer', peer, 'data');
  peer.on('close', () => server.close());
});
listen(server, (port) => {
  const client = watch('client', new net.Socket(), 'drain');
  client.connect({ port, host: 'a.test', lookup: (host, options, done) => {
    later(10, () => done(null, [{ address: '127.0.0.1', family: 4 }]));
  } });
  attempt('client', 'write', () => client.write('early', cb('client', 'wrote')));
  props('client', client, 'connecting writableLength bytesWritten');
  client.on('connect', () => later(30, () => client.end()));
  client.resume();
});
