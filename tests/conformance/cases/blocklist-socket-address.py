"""SocketAddress objects wherever an address is."""
from prelude import log, net


def make(address, family="ipv4"):
    return net.SocketAddress(address=address, family=family)


blocked = net.BlockList()
blocked.add_address(make("1.1.1.1"))
blocked.add_range(make("10.0.0.1"), make("10.0.0.3"))
blocked.add_subnet(make("::", "ipv6"), 64)
log("list", "check", blocked.check(make("1.1.1.1")), blocked.check(make("10.0.0.2")),
    blocked.check(make("::5", "ipv6")), blocked.check(make("10.0.0.4")))
