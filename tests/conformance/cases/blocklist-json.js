// toJSON() and fromJSON().
// needs: node 24
'use strict';
const { log, net } = require('../prelude');

const list = new net.BlockList();
list.addSubnet('10.0.0.0', 8);
log('list', 'json', list.toJSON());
const other = new net.BlockList();
other.fromJSON(['Subnet: IPv4 10.0.0.0/8', 'Address: IPv4 1.2.3.4', 'Range: IPv4 2.2.2.2-2.2.2.9']);
log('other', 'check', other.check('10.1.1.1'), other.check('1.2.3.4'), other.check('2.2.2.5'), other.check('2.2.3.0'));
