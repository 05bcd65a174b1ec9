"""Bad arguments."""
from prelude import attempt, log, net

blocked = net.BlockList()
attempt("list", "address", lambda: blocked.add_address(1))
attempt("list", "address", lambda: blocked.add_address("not an address"))
attempt("list", "family", lambda: blocked.add_address("1.1.1.1", "ipv5"))
attempt("list", "range", lambda: blocked.add_range("1.1.1.2", "1.1.1.1"))
attempt("list", "prefix", lambda: blocked.add_subnet("1.1.1.1", 33))
attempt("list", "prefix", lambda: blocked.add_subnet("1.1.1.1", -1))
attempt("list", "prefix", lambda: blocked.add_subnet("::", 129, "ipv6"))
attempt("list", "prefix", lambda: blocked.add_subnet("1.1.1.1", "x"))
log("list", "rules", blocked.rules)
