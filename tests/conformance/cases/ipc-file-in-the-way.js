// A plain file in the way.
'use strict';
const { log, net, tmp, watch } = require('../prelude');
const fs = require('node:fs');

fs.writeFileSync(tmp('file'), 'x');
const server = watch('server', net.createServer());
server.on('error', () => watch('client', net.connect(tmp('file'))));
server.listen(tmp('file'));
server.on('error', () => log('file', 'content', fs.readFileSync(tmp('file'), 'utf8')));
