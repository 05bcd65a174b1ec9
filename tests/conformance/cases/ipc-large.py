"""Four megabytes through a path."""
from prelude import net, receive, tmp

server = net.create_server()


@server.on("connection")
def connection(peer):
    receive("peer", peer)
    server.close()


server.on("listening", lambda: net.connect(tmp("a.sock")).resume().end(b"path" * (1 << 20)))
server.listen(tmp("a.sock"))
