// A signal that is aborted already: AbortError, then 'close'.
// difference: close-once: 'close' comes exactly once for each life, and not to what was never open; Node sends it more
//   often
'use strict';
const { net, watch } = require('../prelude');

watch('client', net.connect({ port: 1, host: '127.0.0.1', signal: AbortSignal.abort() }));
