// removeAddress(), removeRange(), removeSubnet(), removeCIDR(), clear().
// needs: node 26
'use strict';
const { attempt, log, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('1.1.1.1');
list.addRange('2.2.2.2', '2.2.2.9');
list.addSubnet('10.0.0.0', 8);
list.addCIDR('192.168.0.0/16');
attempt('list', 'address', () => list.removeAddress('1.1.1.1'));
attempt('list', 'address again', () => list.removeAddress('1.1.1.1'));
attempt('list', 'range', () => list.removeRange('2.2.2.2', '2.2.2.9'));
attempt('list', 'subnet', () => list.removeSubnet('10.0.0.0', 8));
log('list', 'left', list.size, list.rules, list.check('1.1.1.1'), list.check('2.2.2.5'), list.check('10.0.0.1'));
attempt('list', 'cidr', () => list.removeCIDR('192.168.0.0/16'));
list.addAddress('5.5.5.5');
attempt('list', 'clear', () => list.clear());
log('list', 'left', list.size, list.check('5.5.5.5'));
