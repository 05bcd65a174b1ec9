// addCIDR(), addCIDRs(), addAddresses(), size.
// needs: node 26
'use strict';
const { attempt, log, net } = require('../prelude');

const list = new net.BlockList();
list.addCIDR('10.0.0.0/8');
list.addCIDRs(['2001:db8::/32', '192.168.0.0/16']);
list.addAddresses(['1.1.1.1', '2.2.2.2']);
log('list', 'size', list.size);
log('list', 'check', list.check('10.9.9.9'), list.check('2001:db8::9', 'ipv6'), list.check('192.168.1.1'),
  list.check('2.2.2.2'), list.check('3.3.3.3'));
attempt('list', 'no prefix', () => list.addCIDR('10.0.0.0'));
attempt('list', 'prefix', () => list.addCIDR('10.0.0.0/33'));
attempt('list', 'address', () => list.addCIDR('x/8'));
