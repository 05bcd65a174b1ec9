// The peer resets while much is queued: the callback's error, 'error' and 'close'.
// difference: callbacks-before-error: the callbacks of what was pending come before 'error', wherever it was pending;
//   Node does so for what its stream had queued, not for what it had handed to the system
'use strict';
const { later, log, pair } = require('../prelude');

pair({ server: { pauseOnConnect: true } }, (client, peer) => {
  client.resume();
  client.write(Buffer.alloc(32 << 20, 'x'), (error) => log('client', 'wrote', Boolean(error)));
  client.on('close', () => log('client', 'over'));
  client.removeAllListeners('error');
  client.on('error', () => log('client', 'failed'));
  later(30, () => peer.resetAndDestroy());
});
