// readableHighWaterMark: the default, a given one, the default changed.
'use strict';
const { net, props } = require('../prelude');
const stream = require('node:stream');

const one = new net.Socket();
props('one', one, 'readableHighWaterMark writableHighWaterMark');
const two = new net.Socket({ highWaterMark: 1000 });
props('two', two, 'readableHighWaterMark writableHighWaterMark');
stream.setDefaultHighWaterMark(false, 2000);
const three = new net.Socket();
props('three', three, 'readableHighWaterMark writableHighWaterMark');
