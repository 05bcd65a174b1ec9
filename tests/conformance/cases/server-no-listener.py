"""A server without a 'connection' listener."""
from prelude import later, listen, log, net

server = net.create_server()


@listen(server)
def listening(port):
    client = net.connect(port, "127.0.0.1")

    def late(peer):
        log("server", "late connection")
        peer.end()
        client.destroy()
        server.close()

    client.on("connect", lambda: later(30, lambda: server.on("connection", late)))
