// addAddress() and check().
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('1.1.1.1');
list.addAddress('2001:db8::1', 'ipv6');
log('list', 'check', list.check('1.1.1.1'), list.check('1.1.1.2'), list.check('1.1.1.1', 'ipv4'));
log('list', 'check', list.check('2001:db8::1', 'ipv6'), list.check('2001:DB8:0::1', 'ipv6'), list.check('::1', 'ipv6'));
