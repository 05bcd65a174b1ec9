"""rules: the texts, newest first."""
from prelude import log, net

blocked = net.BlockList()
blocked.add_address("1.1.1.1")
blocked.add_address("2.2.2.2")
log("list", "rules", blocked.rules)
other = net.BlockList()
other.add_subnet("8592:757c:efae:4e45::", 64, "ipv6")
log("other", "rules", other.rules)
third = net.BlockList()
third.add_range("10.0.0.1", "10.0.0.10")
log("third", "rules", third.rules)
