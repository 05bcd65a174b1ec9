"""A listener that is added after connect(), in the same step, misses nothing."""
from prelude import listen, net, watch

server = net.create_server(lambda peer: watch("peer", peer, "data"))


@listen(server)
def listening(port):
    client = net.connect(port, "127.0.0.1")
    watch("client", client, "ready data")
    client.on("connect", lambda: client.end())
    client.on("close", lambda had_error: server.close())
