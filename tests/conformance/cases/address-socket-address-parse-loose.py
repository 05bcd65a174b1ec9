"""SocketAddress.parse(): what only a URL parser would read."""
from prelude import log, net

for text in ("127.1", "1.2.3.4/path", "user@1.2.3.4", "0x7f000001", " 1.2.3.4 ", "1.2.3.4:"):
    log("address", "parse", text, net.SocketAddress.parse(text))
