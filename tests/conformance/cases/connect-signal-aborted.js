// A signal that is aborted already: AbortError, then 'close'.
// difference: close-once: 'close' comes once for each life; Node sends it a second time here
'use strict';
const { net, watch } = require('../prelude');

watch('client', net.connect({ port: 1, host: '127.0.0.1', signal: AbortSignal.abort() }));
