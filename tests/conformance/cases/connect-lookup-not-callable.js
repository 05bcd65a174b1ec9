// lookup that cannot be called is an argument error.
'use strict';
const { attempt, net, watch } = require('../prelude');

const client = watch('client', new net.Socket());
attempt('call', 'connect', () => client.connect({ port: 1, host: 'a.test', lookup: 'x' }));
