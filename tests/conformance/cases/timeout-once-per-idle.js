// 'timeout' comes once for each idle period.
'use strict';
const { later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(30);
  client.once('timeout', () => later(200, () => client.setTimeout(0).end()));
});
