// destroy() inside 'error' changes nothing.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.on('error', () => client.destroy(new Error('another')));
  client.destroy(new Error('boom'));
});
