"""PRIVATE_RANGES."""
from prelude import log, net

log("list", "private", list(net.BlockList.PRIVATE_RANGES))
