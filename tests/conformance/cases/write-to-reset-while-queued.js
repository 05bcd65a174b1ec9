// The peer resets while much is queued: the callback gets an error, then 'error', then 'close'.
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
