"""A connection through a path."""
from prelude import net, tmp, watch

server = watch("server", net.create_server())


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    peer.pipe(peer)
    server.close()


@server.on("listening")
def listening():
    client = net.Socket()
    watch("client", client, "lookup ready data")
    client.connect(tmp("echo.sock"))
    client.once("data", lambda chunk: client.end())
    client.write("over a path")


server.listen(tmp("echo.sock"))
