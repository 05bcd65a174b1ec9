"""listen() with a host name."""
from prelude import log, net, watch

server = watch("server", net.create_server())


@server.on("listening")
def listening():
    log("server", "loopback", server.address().address in ("127.0.0.1", "::1"))
    server.close()


server.listen(0, "localhost")
