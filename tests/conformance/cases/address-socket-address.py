"""SocketAddress: defaults and fields."""
from prelude import log, net

log("address", "default", net.SocketAddress())
log("address", "ipv6", net.SocketAddress(family="ipv6"))
log("address", "full", net.SocketAddress(address="1.2.3.4", port=80))
last = net.SocketAddress(address="2001:db8::1", family="ipv6", flowlabel=7, port=443)
log("address", "full", last)
log("address", "json", last.to_json())
