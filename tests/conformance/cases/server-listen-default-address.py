"""Without a host the server listens on ::, for both families."""
from prelude import log, net


def connection(peer):
    log("peer", "connection", peer.remote_family, peer.remote_address)
    peer.end()


server = net.create_server(connection)


def listening():
    address, family, port = server.address()
    log("server", "address", address, family)

    def second(had_error):
        net.connect(port, "::1").resume().on("close", lambda had_error: server.close())

    net.connect(port, "127.0.0.1").resume().on("close", second)


server.listen(listening)
