// 'timeout' comes once for each idle period.
'use strict';
const { later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(30);
  later(200, () => client.end());
});
