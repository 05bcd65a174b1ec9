// A listener for 'connect' that is added when the connection stands.
// difference: sticky-events: a listener that is added after an event that tells of a state reached still gets it, so
//   that nobody is too late by being on another thread; in Node nothing calls it
'use strict';
const { cb, later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.on('connect', cb('client', 'late connect'));
  client.on('end', () => {});
  later(20, () => client.end());
});
