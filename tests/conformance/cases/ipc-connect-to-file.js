// connect() to a path that is a plain file.
'use strict';
const { log, net, tmp, watch } = require('../prelude');
const fs = require('node:fs');

fs.writeFileSync(tmp('plain'), 'no socket');
const client = watch('client', net.connect(tmp('plain')));
client.on('error', (error) => log('client', 'details', error.code, error.syscall, error.address, error.port));
