// The defaults of the family race, and their setters.
// difference: attempt-timeout-default: 250 ms, as in Node 23 and RFC 8305; Node 26 says 500
'use strict';
const { log, net } = require('../prelude');

log('net', 'family', net.getDefaultAutoSelectFamily());
net.setDefaultAutoSelectFamily(false);
log('net', 'family', net.getDefaultAutoSelectFamily());
log('net', 'timeout', net.getDefaultAutoSelectFamilyAttemptTimeout());
net.setDefaultAutoSelectFamilyAttemptTimeout(5);
log('net', 'timeout', net.getDefaultAutoSelectFamilyAttemptTimeout());
net.setDefaultAutoSelectFamilyAttemptTimeout(123);
log('net', 'timeout', net.getDefaultAutoSelectFamilyAttemptTimeout());
