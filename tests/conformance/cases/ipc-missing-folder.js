// listen() in a folder that is not there.
// difference: ipc-missing-folder: ENOENT, which is what is wrong; Node says EACCES
'use strict';
const { net, tmp, watch } = require('../prelude');

const server = watch('server', net.createServer());
server.listen(tmp('no/such/folder/a.sock'));
