"""addAddress() and check()."""
from prelude import log, net

blocked = net.BlockList()
blocked.add_address("1.1.1.1")
blocked.add_address("2001:db8::1", "ipv6")
log("list", "check", blocked.check("1.1.1.1"), blocked.check("1.1.1.2"), blocked.check("1.1.1.1", "ipv4"))
log("list", "check", blocked.check("2001:db8::1", "ipv6"), blocked.check("2001:DB8:0::1", "ipv6"),
    blocked.check("::1", "ipv6"))
