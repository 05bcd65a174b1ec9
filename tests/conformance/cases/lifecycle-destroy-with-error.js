// destroy(error): 'error', then 'close' with true; the peer sees an end only.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.destroy(new Error('boom'));
});
