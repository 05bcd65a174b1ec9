// Bad arguments.
'use strict';
const { attempt, log, net } = require('../prelude');

const list = new net.BlockList();
attempt('list', 'address', () => list.addAddress(1));
attempt('list', 'address', () => list.addAddress('not an address'));
attempt('list', 'family', () => list.addAddress('1.1.1.1', 'ipv5'));
attempt('list', 'range', () => list.addRange('1.1.1.2', '1.1.1.1'));
attempt('list', 'prefix', () => list.addSubnet('1.1.1.1', 33));
attempt('list', 'prefix', () => list.addSubnet('1.1.1.1', -1));
attempt('list', 'prefix', () => list.addSubnet('::', 129, 'ipv6'));
attempt('list', 'prefix', () => list.addSubnet('1.1.1.1', 'x'));
log('list', 'rules', list.rules);
