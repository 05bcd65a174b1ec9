// pause() inside 'data': the next chunk waits.
'use strict';
const { later, log, pair } = require('../prelude');

pair({}, (client, peer) => {
  client.on('data', (chunk) => {
    log('client', 'data', chunk);
    if (chunk.toString() !== 'one') return;
    client.pause();
    later(20, () => {
      log('client', 'resuming');
      client.resume();
    });
    peer.end('two');
  });
  peer.write('one');
});
