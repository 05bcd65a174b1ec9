"""addCIDR(), addCIDRs(), addAddresses(), size."""
from prelude import attempt, log, net

blocked = net.BlockList()
blocked.add_cidr("10.0.0.0/8")
blocked.add_cidrs(["2001:db8::/32", "192.168.0.0/16"])
blocked.add_addresses(["1.1.1.1", "2.2.2.2"])
log("list", "size", blocked.size)
log("list", "check", blocked.check("10.9.9.9"), blocked.check("2001:db8::9", "ipv6"), blocked.check("192.168.1.1"),
    blocked.check("2.2.2.2"), blocked.check("3.3.3.3"))
attempt("list", "no prefix", lambda: blocked.add_cidr("10.0.0.0"))
attempt("list", "prefix", lambda: blocked.add_cidr("10.0.0.0/33"))
attempt("list", "address", lambda: blocked.add_cidr("x/8"))
