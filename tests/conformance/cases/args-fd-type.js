// new Socket({ fd }) of a plain file: ERR_INVALID_FD_TYPE.
'use strict';
const { attempt, net, tmp } = require('../prelude');
const fs = require('node:fs');

const fd = fs.openSync(tmp('file'), 'w');
attempt('socket', 'fd', () => Boolean(new net.Socket({ fd })));
