// check() of what is no address.
// difference: check-refuses-nonsense: an address that cannot be read is ERR_INVALID_ADDRESS, for it must not pass as
//   "not blocked"; Node returns false
'use strict';
const { attempt, net } = require('../prelude');

const list = new net.BlockList();
list.addAddress('1.1.1.1');
attempt('list', 'check', () => list.check('not an address'));
