"""IPv4 rules hold for IPv4-mapped IPv6 addresses."""
from prelude import log, net

blocked = net.BlockList()
blocked.add_address("1.1.1.1")
blocked.add_subnet("10.0.0.0", 8)
log("list", "check", blocked.check("::ffff:1.1.1.1", "ipv6"), blocked.check("::ffff:1.1.1.2", "ipv6"),
    blocked.check("::ffff:101:101", "ipv6"), blocked.check("::ffff:10.2.3.4", "ipv6"),
    blocked.check("::1.1.1.1", "ipv6"))
