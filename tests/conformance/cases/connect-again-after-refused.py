"""connect() again after a refused connection."""
from prelude import listen, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end("hello")
    server.close()


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "ready data")
    client.once("close", lambda had_error: client.connect(port, "127.0.0.1"))
    client.connect(1, "127.0.0.1")
