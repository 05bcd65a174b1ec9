// As many uncork() as cork() are needed.
'use strict';
const { cb, later, pair, props } = require('../prelude');

pair({ events: 'data' }, (client, peer) => {
  client.cork();
  client.cork();
  client.write('held', cb('client', 'wrote'));
  client.uncork();
  props('client', client, 'writableLength');
  later(30, () => {
    props('client', client, 'writableLength');
    client.uncork();
    client.end();
  });
});
