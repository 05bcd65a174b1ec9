// listen() on a descriptor that is not open: an 'error' event.
// difference: bad-descriptor-code: EBADF, which is what the system says; Node says EINVAL, because it guesses the kind
//   of the descriptor first
'use strict';
const { attempt, net, watch } = require('../prelude');

const server = watch('server', net.createServer());
attempt('call', 'listen', () => server.listen({ fd: 9999 }));
