"""destroy() inside 'connect': what follows."""
from prelude import listen, net, watch

server = net.create_server(lambda peer: watch("peer", peer, "data"))


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "ready")
    client.on("connect", lambda: client.destroy())
    client.on("close", lambda had_error: server.close())
    client.connect(port, "127.0.0.1")
