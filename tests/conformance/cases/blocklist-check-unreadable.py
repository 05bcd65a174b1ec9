"""check() of what is no address."""
from prelude import attempt, net

blocked = net.BlockList()
blocked.add_address("1.1.1.1")
attempt("list", "check", lambda: blocked.check("not an address"))
