// SocketAddress: defaults and fields.
'use strict';
const { log, net } = require('../prelude');

log('address', 'default', new net.SocketAddress());
log('address', 'ipv6', new net.SocketAddress({ family: 'ipv6' }));
log('address', 'full', new net.SocketAddress({ address: '1.2.3.4', port: 80 }));
const last = new net.SocketAddress({ address: '2001:db8::1', family: 'ipv6', flowlabel: 7, port: 443 });
log('address', 'full', last);
log('address', 'json', JSON.parse(JSON.stringify(last)));
