// end() after 'finish': its callback gets ERR_STREAM_ALREADY_FINISHED.
'use strict';
const { log, pair } = require('../prelude');

pair({ events: 'data', server: { allowHalfOpen: true } }, (client, peer) => {
  client.end('bye');
  client.on('finish', () => client.end((error) => {
    log('client', 'ended again', error);
    peer.on('end', () => peer.end());
  }));
});
