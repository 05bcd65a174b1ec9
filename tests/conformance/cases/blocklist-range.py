"""addRange(): both ends belong to it."""
from prelude import log, net

blocked = net.BlockList()
blocked.add_range("10.0.0.5", "10.0.0.10")
blocked.add_range("2001:db8::5", "2001:db8::a", "ipv6")
for last in (4, 5, 7, 10, 11):
    log("list", "check", last, blocked.check(f"10.0.0.{last}"))
for last in ("4", "5", "a", "b"):
    log("list", "check", last, blocked.check(f"2001:db8::{last}", "ipv6"))
