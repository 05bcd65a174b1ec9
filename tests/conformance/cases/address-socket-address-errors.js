// SocketAddress with bad arguments.
'use strict';
const { attempt, net } = require('../prelude');

const list = [{ address: 'x' }, { address: '::1' }, { address: '1.2.3.4', family: 'ipv6' }, { family: 'ipv5' },
  { port: -1 }, { port: 65536 }, { flowlabel: -1, family: 'ipv6', address: '::1' }, { address: 5 }];
for (const options of list) attempt('address', 'new', () => Boolean(new net.SocketAddress(options)));
