// setTimeout(ms, callback): the callback is a 'timeout' listener.
'use strict';
const { log, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(40, () => {
    log('client', 'callback');
    client.setTimeout(0).end();
  });
});
