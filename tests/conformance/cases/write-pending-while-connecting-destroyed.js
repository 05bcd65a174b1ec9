// Writes while connecting at destroy(): ERR_SOCKET_CLOSED_BEFORE_CONNECTION.
'use strict';
const { cb, later, net, watch } = require('../prelude');

const client = watch('client', net.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  later(10, () => done(null, [{ address: '127.0.0.1', family: 4 }]));
} }));
client.write('early', cb('client', 'wrote'));
client.destroy();
