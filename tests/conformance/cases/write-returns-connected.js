// A small write on an idle connection returns true, and no 'drain' follows.
'use strict';
const { attempt, later, pair } = require('../prelude');

pair({ events: 'data drain' }, (client) => {
  attempt('client', 'write', () => client.write('small'));
  later(30, () => client.end());
});
