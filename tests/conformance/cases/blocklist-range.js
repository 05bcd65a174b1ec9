// addRange(): both ends belong to it.
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addRange('10.0.0.5', '10.0.0.10');
list.addRange('2001:db8::5', '2001:db8::a', 'ipv6');
for (const last of [4, 5, 7, 10, 11]) log('list', 'check', last, list.check(`10.0.0.${last}`));
for (const last of ['4', '5', 'a', 'b']) log('list', 'check', last, list.check(`2001:db8::${last}`, 'ipv6'));
