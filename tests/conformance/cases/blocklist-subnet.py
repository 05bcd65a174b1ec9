"""addSubnet() with every kind of prefix."""
from prelude import log, net

blocked = net.BlockList()
blocked.add_subnet("192.168.7.9", 24)
blocked.add_subnet("8592:757c:efae:4e45::", 64, "ipv6")
log("list", "check", blocked.check("192.168.7.0"), blocked.check("192.168.7.255"), blocked.check("192.168.8.0"))
log("list", "check", blocked.check("8592:757c:efae:4e45:fb5d:d62a:0:8", "ipv6"),
    blocked.check("8592:757c:efae:4f45::1", "ipv6"))
everything = net.BlockList()
everything.add_subnet("9.9.9.9", 32)
log("all", "check", everything.check("9.9.9.9"), everything.check("9.9.9.8"))
