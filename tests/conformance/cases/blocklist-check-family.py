"""check() of an IPv6 address without its family."""
from prelude import attempt, net

blocked = net.BlockList()
blocked.add_address("2001:db8::1", "ipv6")
attempt("list", "check", lambda: blocked.check("2001:db8::1"))
