"""SocketAddress.parse(): what Node reads."""
from prelude import log, net

for text in ("1.2.3.4", "1.2.3.4:81", "[::1]", "[::1]:443", "1.2.3.4:0", "1.2.3.4:65535", "1.2.3.4:65536", "x", "",
             "[::1", "1.2.3.4:x"):
    log("address", "parse", text, net.SocketAddress.parse(text))
log("address", "is", net.SocketAddress.is_socket_address(net.SocketAddress.parse("1.2.3.4")),
    net.SocketAddress.is_socket_address("1.2.3.4"))
