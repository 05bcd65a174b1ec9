"""pause() before the connection stands."""
from prelude import later, listen, log, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    watch("peer", peer)
    server.close()
    peer.end("hello")


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "data")
    client.pause()
    client.connect(port, "127.0.0.1")

    def go_on():
        log("client", "paused", client.is_paused())
        client.resume()

    client.on("connect", lambda: later(40, go_on))
