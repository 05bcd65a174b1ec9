// The events 'pause' and 'resume' come once for each change.
'use strict';
const { cb, later, pair } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.on('pause', cb('client', 'pause'));
  client.on('resume', cb('client', 'resume'));
  later(20, () => {
    client.pause();
    client.pause();
    later(20, () => {
      client.resume();
      client.resume();
      later(20, () => peer.end('x'));
    });
  });
});
