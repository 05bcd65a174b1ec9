// What a refused connect() leaves behind.
// difference: refused-call-leaves-nothing: a call that raises an argument error changes nothing; Node's socket says
//   that it is connecting for ever
'use strict';
const { attempt, net, props } = require('../prelude');

const client = new net.Socket();
attempt('client', 'connect', () => client.connect({ port: 1, host: 'a.test', lookup: 'x' }));
props('client', client, 'connecting destroyed readyState');
