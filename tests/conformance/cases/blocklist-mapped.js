// IPv4 rules hold for IPv4-mapped IPv6 addresses.
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('1.1.1.1');
list.addSubnet('10.0.0.0', 8);
log('list', 'check', list.check('::ffff:1.1.1.1', 'ipv6'), list.check('::ffff:1.1.1.2', 'ipv6'),
  list.check('::ffff:101:101', 'ipv6'), list.check('::ffff:10.2.3.4', 'ipv6'), list.check('::1.1.1.1', 'ipv6'));
