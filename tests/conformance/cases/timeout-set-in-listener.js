// setTimeout() inside 'timeout' starts a new period.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(30);
  client.once('timeout', () => {
    client.setTimeout(40);
    client.once('timeout', () => client.setTimeout(0).end());
  });
});
