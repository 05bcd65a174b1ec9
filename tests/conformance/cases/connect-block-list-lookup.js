// A block list that connect() is given, and an address that a lookup found.
// difference: connect-options-hold: what connect() is given holds although the socket existed before; Node ignores the
//   block list then, and a blocked address is reached
'use strict';
const { net, watch } = require('../prelude');

const blockList = new net.BlockList();
blockList.addAddress('127.0.0.1');
const client = watch('client', new net.Socket(), 'lookup connectionAttempt');
client.connect({ port: 1, host: 'a.test', autoSelectFamily: false, blockList, lookup: (host, options, done) => {
  done(null, '127.0.0.1', 4);
} });
