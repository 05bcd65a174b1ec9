// A custom lookup that fails: its error, as it is.
'use strict';
const { net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'lookup connectionAttempt');
client.connect({ port: 1, host: 'a.test', lookup: (host, options, done) => done(new Error('no idea')) });
