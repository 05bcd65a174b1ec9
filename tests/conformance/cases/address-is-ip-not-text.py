"""isIP() of what is no text."""
from prelude import log, net

for value in (None, 1, 1.5, True, [], {}):
    log("net", "isIP", net.is_ip(value), net.is_ipv4(value), net.is_ipv6(value))
