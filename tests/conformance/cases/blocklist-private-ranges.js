// PRIVATE_RANGES.
// needs: node 26
'use strict';
const { log, net } = require('../prelude');

log('list', 'private', [...net.BlockList.PRIVATE_RANGES]);
