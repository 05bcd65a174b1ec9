// Writes while connecting at destroy(): ERR_SOCKET_CLOSED_BEFORE_CONNECTION.
// difference: close-is-last: 'close' is the last event of a life, so the callbacks of what was pending come before it;
//   Node calls these after it
'use strict';
const { cb, later, net, watch } = require('../prelude');

const client = watch('client', net.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  later(10, () => done(null, [{ address: '127.0.0.1', family: 4 }]));
} }));
client.write('early', cb('client', 'wrote'));
client.destroy();
