"""isBlockList()."""
from prelude import log, net

log("list", "is", net.BlockList.is_block_list(net.BlockList()), net.BlockList.is_block_list({}),
    net.BlockList.is_block_list(None))
