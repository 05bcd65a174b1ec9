// SocketAddress.parse() of port 80.
// difference: parse-port-80: the port is 80; Node's URL parser takes it for the default and says 0
'use strict';
const { log, net } = require('../prelude');

log('address', 'parse', net.SocketAddress.parse('1.2.3.4:80'), net.SocketAddress.parse('[::1]:80'));
