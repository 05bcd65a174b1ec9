// destroy() right after end(): no 'finish'.
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.end();
  client.destroy();
  props('client', client, 'destroyed writableEnded writableFinished');
});
