// resume() without a listener throws the data away.
'use strict';
const { cb, later, pair, until } = require('../prelude');

pair({}, (client, peer) => {
  client.resume();
  peer.write('lost');
  until(() => client.bytesRead === 4, () => later(30, () => {
    client.on('data', cb('client', 'data'));
    peer.end('kept');
  }));
});
