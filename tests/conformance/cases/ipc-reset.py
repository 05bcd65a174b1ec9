"""resetAndDestroy() of an IPC connection: ERR_INVALID_HANDLE_TYPE."""
from prelude import attempt, net, tmp, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    server.close()


@server.on("listening")
def listening():
    client = net.Socket()
    watch("client", client, "data")

    @client.on("connect")
    def connected():
        attempt("client", "reset", lambda: client.reset_and_destroy())
        client.end()

    client.connect(tmp("a.sock"))


server.listen(tmp("a.sock"))
