// destroySoon() sends what is queued, then destroys.
'use strict';
const { cb, pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.write('one ', cb('client', 'wrote'));
  client.write('two');
  client.destroySoon();
  props('client', client, 'destroyed writableEnded');
});
