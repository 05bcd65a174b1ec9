"""close() inside 'connection'."""
from prelude import net, watch

server = watch("server", net.create_server())


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    server.close()


server.on("listening", lambda: net.connect(server.address().port, "127.0.0.1").resume().end("x"))
server.listen(0, "127.0.0.1")
