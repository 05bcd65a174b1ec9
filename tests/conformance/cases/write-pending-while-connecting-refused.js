// Writes while connecting, and the connection is refused: the callback gets the error.
// difference: close-is-last: 'close' is the last event of a life, so the callbacks of what was pending come before it;
//   Node calls these after it
'use strict';
const { cb, net, watch } = require('../prelude');

const client = watch('client', new net.Socket());
client.connect(1, '127.0.0.1');
client.write('early', cb('client', 'wrote'));
client.end('and end', cb('client', 'ended'));
