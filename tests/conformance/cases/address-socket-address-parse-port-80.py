"""SocketAddress.parse() of port 80."""
from prelude import log, net

log("address", "parse", net.SocketAddress.parse("1.2.3.4:80"), net.SocketAddress.parse("[::1]:80"))
