"""An address that is not this machine's: EADDRNOTAVAIL."""
from prelude import net, watch

server = watch("server", net.create_server())
server.listen(0, "192.0.2.1")
