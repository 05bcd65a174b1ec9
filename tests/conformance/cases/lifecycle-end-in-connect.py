"""end() inside 'connect'."""
from prelude import listen, net, watch

server = net.create_server(lambda peer: watch("peer", peer, "data"))


@listen(server)
def listening(port):
    client = net.Socket()
    watch("client", client, "ready data")
    client.connect(port, "127.0.0.1", lambda: client.end("hi"))
    client.on("close", lambda had_error: server.close())
