// isBlockList().
'use strict';
const { log, net } = require('../prelude');

log('list', 'is', net.BlockList.isBlockList(new net.BlockList()), net.BlockList.isBlockList({}),
  net.BlockList.isBlockList(null));
