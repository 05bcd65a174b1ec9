// destroy(error) while connecting: 'error' and 'close'.
'use strict';
const { later, net, watch } = require('../prelude');

const client = watch('client', net.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => {
  later(20, () => done(null, '127.0.0.1', 4));
} }));
client.destroy(new Error('boom'));
