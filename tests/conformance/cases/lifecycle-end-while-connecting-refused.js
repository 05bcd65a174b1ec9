// end() while connecting, and the connection is refused: its callback hears why, and there is no 'finish'.
'use strict';
const { cb, net, props, watch } = require('../prelude');

const client = watch('client', net.connect(1, '127.0.0.1'));
client.end(cb('client', 'ended'));
client.on('close', () => props('client', client, 'writableEnded writableFinished destroyed'));
