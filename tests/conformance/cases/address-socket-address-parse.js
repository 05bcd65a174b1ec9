// SocketAddress.parse(): what Node reads.
'use strict';
const { log, net } = require('../prelude');

for (const text of ['1.2.3.4', '1.2.3.4:81', '[::1]', '[::1]:443', '1.2.3.4:0', '1.2.3.4:65535', '1.2.3.4:65536', 'x',
  '', '[::1', '1.2.3.4:x']) {
  log('address', 'parse', text, net.SocketAddress.parse(text));
}
log('address', 'is', net.SocketAddress.isSocketAddress(net.SocketAddress.parse('1.2.3.4')),
  net.SocketAddress.isSocketAddress('1.2.3.4'));
