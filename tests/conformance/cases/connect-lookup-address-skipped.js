// A host that is an address is not looked up.
'use strict';
const { log, net, watch } = require('../prelude');

const client = watch('client', new net.Socket(), 'lookup');
client.connect({ port: 1, host: '127.0.0.1', lookup: () => log('lookup', 'asked') });
