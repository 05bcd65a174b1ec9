// rules of several kinds: their order.
// difference: rules-order: newest first; Node 26 groups the rules by kind
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('1.1.1.1');
list.addRange('10.0.0.1', '10.0.0.10');
list.addSubnet('8592:757c:efae:4e45::', 64, 'ipv6');
list.addAddress('2.2.2.2');
log('list', 'rules', list.rules);
