// Only the first destroy counts.
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'destroy', () => client.destroy(new Error('first')));
  attempt('client', 'destroy again', () => client.destroy(new Error('second')));
});
