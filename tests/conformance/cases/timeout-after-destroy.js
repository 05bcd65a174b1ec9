// No 'timeout' after destroy().
'use strict';
const { later, log, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(30);
  client.destroy();
  later(80, () => log('client', 'later'));
});
