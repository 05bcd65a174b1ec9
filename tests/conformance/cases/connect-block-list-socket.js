// A socket's block list, and an address that a lookup found.
'use strict';
const { net, watch } = require('../prelude');

const blockList = new net.BlockList();
blockList.addAddress('127.0.0.1');
watch('client', net.connect({ port: 1, host: 'a.test', autoSelectFamily: false, blockList,
  lookup: (host, options, done) => done(null, '127.0.0.1', 4) }));
