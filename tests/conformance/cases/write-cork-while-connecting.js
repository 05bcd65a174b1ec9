// cork() while connecting holds what is written after it, and not what was written before.
'use strict';
const { cb, later, listen, net, props, watch } = require('../prelude');

let client;
const server = net.createServer((peer) => {
  watch('peer', peer, 'data');
  peer.on('close', () => server.close());
  peer.once('data', () => {
    props('client', client, 'writableLength bytesWritten');
    client.uncork();
    client.end();
  });
});
listen(server, (port) => {
  client = watch('client', new net.Socket(), 'data');
  client.connect({ port, host: 'a.test', lookup: (host, options, done) => {
    later(10, () => done(null, [{ address: '127.0.0.1', family: 4 }]));
  } });
  client.write('a', cb('client', 'wrote a'));
  client.cork();
  client.write('b', cb('client', 'wrote b'));
});
