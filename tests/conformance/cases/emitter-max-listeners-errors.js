// setMaxListeners() with bad values.
'use strict';
const { attempt, net } = require('../prelude');

const server = net.createServer();
for (const value of [-1, NaN, 'x']) attempt('server', 'max', () => Boolean(server.setMaxListeners(value)));
