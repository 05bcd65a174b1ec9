// The events of a connect to an address.
'use strict';
const { net, pair, watch } = require('../prelude');

pair({ keep: true }, (client, peer, server) => {
  const second = watch('second', new net.Socket(), 'lookup connectionAttempt connectionAttemptFailed ready data');
  second.connect({ port: server.address().port, host: '127.0.0.1' });
  second.on('ready', () => {
    second.destroy();
    client.destroy();
    server.close();
  });
});
