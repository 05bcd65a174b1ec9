"""A path that is not ASCII."""
from prelude import log, net, tmp, watch

server = net.create_server()
path = tmp("gr\u00fc\u00df \u20ac.sock")


@server.on("connection")
def connection(peer):
    peer.end("hello")
    server.close()


@server.on("listening")
def listening():
    log("server", "address", server.address())
    client = net.Socket()
    watch("client", client, "data")
    client.connect(path)


server.listen(path)
