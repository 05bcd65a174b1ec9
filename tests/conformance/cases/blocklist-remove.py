"""removeAddress(), removeRange(), removeSubnet(), removeCIDR(), clear()."""
from prelude import attempt, log, net

blocked = net.BlockList()
blocked.add_address("1.1.1.1")
blocked.add_range("2.2.2.2", "2.2.2.9")
blocked.add_subnet("10.0.0.0", 8)
blocked.add_cidr("192.168.0.0/16")
attempt("list", "address", lambda: blocked.remove_address("1.1.1.1"))
attempt("list", "address again", lambda: blocked.remove_address("1.1.1.1"))
attempt("list", "range", lambda: blocked.remove_range("2.2.2.2", "2.2.2.9"))
attempt("list", "subnet", lambda: blocked.remove_subnet("10.0.0.0", 8))
log("list", "left", blocked.size, blocked.rules, blocked.check("1.1.1.1"), blocked.check("2.2.2.5"),
    blocked.check("10.0.0.1"))
attempt("list", "cidr", lambda: blocked.remove_cidr("192.168.0.0/16"))
blocked.add_address("5.5.5.5")
attempt("list", "clear", lambda: blocked.clear())
log("list", "left", blocked.size, blocked.check("5.5.5.5"))
