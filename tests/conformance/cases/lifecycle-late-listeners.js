// Listeners for 'end' and 'close' that are added after the end.
// difference: sticky-events: a listener that is added after an event that tells of a state reached still gets it, so
//   that nobody is too late by being on another thread; in Node nothing calls it
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.on('close', () => setImmediate(() => {
    client.on('end', cb('client', 'late end'));
    client.on('close', cb('client', 'late close'));
  }));
  client.end('x');
});
