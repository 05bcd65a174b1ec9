// check() of an IPv6 address without its family.
// difference: family-read-off: the family is read off the address; Node takes 'ipv4' when none is given, so that an
//   IPv6 address is never blocked
'use strict';
const { attempt, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('2001:db8::1', 'ipv6');
attempt('list', 'check', () => list.check('2001:db8::1'));
