// A path that a crashed program left: EADDRINUSE for a server, ECONNREFUSED for a client.
'use strict';
const { net, tmp, watch } = require('../prelude');

const { spawnSync } = require('node:child_process');
const crash = `net.createServer().listen('${tmp('a.sock')}', () => process.kill(process.pid, 9))`;
spawnSync(process.execPath, ['-e', crash]);
const server = watch('server', net.createServer());
server.on('error', () => watch('client', net.connect(tmp('a.sock'))));
server.listen(tmp('a.sock'));
