"""resetAndDestroy() while connecting resets as soon as connected."""
from prelude import attempt, listen, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    peer.on("close", lambda had_error: server.close())


@listen(server)
def listening(port):
    client = watch("client", net.connect(port, "127.0.0.1"), "data")
    attempt("call", "reset", lambda: client.reset_and_destroy())
