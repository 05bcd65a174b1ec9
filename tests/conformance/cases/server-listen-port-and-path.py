"""listen() with a port and a path: the port wins."""
from prelude import log, net, tmp, watch

server = watch("server", net.create_server())


@server.on("listening")
def listening():
    log("server", "family", server.address().family)
    server.close()


server.listen(port=0, host="127.0.0.1", path=tmp("unused.sock"))
