"""Two 'connection' listeners get the same socket, in order."""
from prelude import listen, log, net

server = net.create_server(lambda peer: log("peer", "first"))


@server.on("connection")
def second(peer):
    log("peer", "second")
    peer.end()
    server.close()


@listen(server)
def listening(port):
    net.connect(port, "127.0.0.1").resume()
