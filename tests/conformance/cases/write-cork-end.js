// end() removes the corks.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.cork();
  client.cork();
  client.write('held', cb('client', 'wrote'));
  client.end('last', cb('client', 'ended'));
});
