// The first address is slow but works, the second refuses.
// needs: slowhole
// difference: race-keeps-slow-attempts: an attempt that exceeds its time stays in the race, as RFC 8305 has it; Node
//   drops it, so that slow routes that would work fail
'use strict';
const { blackhole, net, tmp, watch } = require('../prelude');
const fs = require('node:fs');

const port = blackhole();
const client = watch('client', new net.Socket(), 'connectionAttempt connectionAttemptFailed connectionAttemptTimeout');
client.connect({ port, host: 'a.test', autoSelectFamilyAttemptTimeout: 50, lookup: (host, options, done) => {
  done(null, [{ address: '127.0.0.2', family: 4 }, { address: '127.0.0.1', family: 4 }]);
} });
client.on('connect', () => client.destroy());
client.on('connectionAttemptTimeout', () => fs.writeFileSync(tmp('open'), ''));
