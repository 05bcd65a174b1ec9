// A block list of the client: ERR_IP_BLOCKED.
'use strict';
const { net, watch } = require('../prelude');

const blockList = new net.BlockList();
blockList.addSubnet('127.0.0.0', 8);
const client = watch('client', new net.Socket({ blockList }), 'connectionAttempt');
client.connect({ port: 1, host: '127.0.0.1', blockList });
