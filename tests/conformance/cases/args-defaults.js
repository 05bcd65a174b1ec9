// Setters of defaults with bad values.
'use strict';
const { attempt, net } = require('../prelude');

attempt('net', 'family', () => net.setDefaultAutoSelectFamily(1));
for (const value of [0, -1, '5', 1.5]) {
  attempt('net', 'timeout', () => net.setDefaultAutoSelectFamilyAttemptTimeout(value));
}
