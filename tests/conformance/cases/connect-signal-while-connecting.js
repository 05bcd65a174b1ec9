// A signal aborts while the name is looked up.
'use strict';
const { later, net, props, watch } = require('../prelude');

const controller = new AbortController();
const client = watch('client', net.connect({ port: 1, host: 'a.test', signal: controller.signal,
  lookup: (host, options, done) => {
    controller.abort();
    later(20, () => done(null, '127.0.0.1', 4));
  } }), 'connectionAttempt');
client.on('close', () => props('client', client, 'destroyed connecting'));
