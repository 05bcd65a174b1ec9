"""address() of the server is the path; a connection has no addresses."""
from prelude import log, net, props, tmp

server = net.create_server()


@server.on("connection")
def connection(peer):
    props("peer", peer, "remote_address remote_port remote_family local_address local_port")
    log("peer", "address", peer.address())
    peer.end()
    server.close()


@server.on("listening")
def listening():
    log("server", "address", server.address())
    client = net.Socket()
    client.on("connect", lambda: props(
        "client", client, "remote_address remote_port remote_family connecting pending"))
    client.resume()
    client.connect(tmp("a.sock"))


server.listen(tmp("a.sock"))
