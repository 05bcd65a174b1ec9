"""Half-open works through a path too."""
from prelude import net, tmp, watch

server = net.create_server(allow_half_open=True)


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    peer.on("end", lambda: peer.end("the answer"))
    server.close()


@server.on("listening")
def listening():
    client = net.Socket()
    watch("client", client, "data")
    client.connect(tmp("a.sock"))
    client.end("the question")


server.listen(tmp("a.sock"))
