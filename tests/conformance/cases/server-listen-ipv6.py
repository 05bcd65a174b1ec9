"""A server on ::1."""
from prelude import log, net, props, watch

server = watch("server", net.create_server())


@server.on("connection")
def connection(peer):
    props("peer", peer, "remote_address remote_family local_address local_family")
    peer.end()
    server.close()


@server.on("listening")
def listening():
    log("server", "address", server.address())
    client = net.connect(server.address().port, "::1")
    client.resume()
    client.on("connect", lambda: props("client", client, "remote_address remote_family local_address local_family"))


server.listen(0, "::1")
