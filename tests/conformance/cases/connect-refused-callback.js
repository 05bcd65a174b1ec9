// The callback of connect() hears of success only.
'use strict';
const { cb, net, watch } = require('../prelude');

const client = watch('client', net.connect(1, '127.0.0.1', cb('client', 'callback')));
