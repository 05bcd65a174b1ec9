// SocketAddress writes an address in its short form.
'use strict';
const { log, net } = require('../prelude');

for (const address of ['2001:DB8:0:0:0:0:0:1', '::FFFF:1.2.3.4', '0:0:0:0:0:0:0:0', '1:0:0:2:0:0:0:3']) {
  log('address', 'short', new net.SocketAddress({ address, family: 'ipv6' }).address);
}
