// Corked writes at destroy(error): their callbacks get that error.
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.cork();
  client.write('a', cb('client', 'wrote a'));
  client.write('b', cb('client', 'wrote b'));
  client.destroy(new Error('boom'));
});
