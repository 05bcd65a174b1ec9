// SocketAddress objects wherever an address is.
'use strict';
const { log, net } = require('../prelude');

const make = (address, family = 'ipv4') => new net.SocketAddress({ address, family });
const list = new net.BlockList();
list.addAddress(make('1.1.1.1'));
list.addRange(make('10.0.0.1'), make('10.0.0.3'));
list.addSubnet(make('::', 'ipv6'), 64);
log('list', 'check', list.check(make('1.1.1.1')), list.check(make('10.0.0.2')), list.check(make('::5', 'ipv6')),
  list.check(make('10.0.0.4')));
