// A listener that throws.
// exit: 1
// difference: listener-raises: the exception is reported and destroys this connection alone, as Node does with
//   captureRejections; otherwise Node ends the process
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  peer.on('data', () => {
    throw new Error('bug');
  });
  client.write('x');
});
