// The properties while connecting.
'use strict';
const { later, net, props } = require('../prelude');

const client = new net.Socket();
client.on('close', () => {});
client.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  later(20, () => done(null, '127.0.0.1', 4));
} });
props('client', client, 'connecting pending destroyed readyState readable writable remoteAddress localAddress');
client.destroy();
props('client', client, 'connecting pending destroyed readyState readable writable');
