"""SocketAddress writes an address in its short form."""
from prelude import log, net

for text in ("2001:DB8:0:0:0:0:0:1", "::FFFF:1.2.3.4", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3"):
    log("address", "short", net.SocketAddress(address=text, family="ipv6").address)
