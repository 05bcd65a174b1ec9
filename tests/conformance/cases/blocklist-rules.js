// rules: the texts, newest first.
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('1.1.1.1');
list.addAddress('2.2.2.2');
log('list', 'rules', list.rules);
const other = new net.BlockList();
other.addSubnet('8592:757c:efae:4e45::', 64, 'ipv6');
log('other', 'rules', other.rules);
const third = new net.BlockList();
third.addRange('10.0.0.1', '10.0.0.10');
log('third', 'rules', third.rules);
