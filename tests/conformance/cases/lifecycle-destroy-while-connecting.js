// destroy() while the name is being looked up: 'close' alone.
'use strict';
const { later, net, props, watch } = require('../prelude');

const client = watch('client', net.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  later(20, () => done(null, '127.0.0.1', 4));
} }));
client.destroy();
props('call', client, 'destroyed connecting');
