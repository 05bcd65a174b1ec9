// setTimeout(): 'timeout' while idle, and the socket stays open.
'use strict';
const { attempt, pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'setTimeout', () => client.setTimeout(40));
  client.once('timeout', () => {
    props('client', client, 'destroyed timeout readyState');
    client.setTimeout(0).end();
  });
});
