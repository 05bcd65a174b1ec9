// isIP() of what is no text.
'use strict';
const { log, net } = require('../prelude');

for (const value of [null, 1, 1.5, true, [], {}]) {
  log('net', 'isIP', net.isIP(value), net.isIPv4(value), net.isIPv6(value));
}
