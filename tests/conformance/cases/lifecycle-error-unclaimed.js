// A system error that no listener claims.
// exit: 1
// difference: unhandled-error: it is reported through threading.excepthook and never ends the process; Node ends the
//   process
'use strict';
const { log, net } = require('../prelude');

const client = net.connect(1, '127.0.0.1');
client.on('close', (hadError) => log('client', 'close', hadError));
log('program', 'started');
