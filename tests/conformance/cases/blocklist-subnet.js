// addSubnet() with every kind of prefix.
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addSubnet('192.168.7.9', 24);
list.addSubnet('8592:757c:efae:4e45::', 64, 'ipv6');
log('list', 'check', list.check('192.168.7.0'), list.check('192.168.7.255'), list.check('192.168.8.0'));
log('list', 'check', list.check('8592:757c:efae:4e45:fb5d:d62a:0:8', 'ipv6'),
  list.check('8592:757c:efae:4f45::1', 'ipv6'));
const all = new net.BlockList();
all.addSubnet('9.9.9.9', 32);
log('all', 'check', all.check('9.9.9.9'), all.check('9.9.9.8'));
