"""end(data) right after connect(): the data and the FIN go out once connected."""
from prelude import cb, listen, net, watch

server = net.create_server(lambda peer: watch("peer", peer, "data"))


@listen(server)
def listening(port):
    client = watch("client", net.connect(port, "127.0.0.1"), "data")
    client.end("early", cb("client", "ended"))
    client.on("close", lambda had_error: server.close())
