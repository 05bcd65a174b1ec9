// end(), destroy(), destroySoon() return what Node says.
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'end', () => client.end());
  attempt('client', 'destroySoon', () => client.destroySoon());
  attempt('client', 'destroy', () => client.destroy());
});
