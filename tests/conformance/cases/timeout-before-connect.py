"""setTimeout() before connect() holds after it."""
from prelude import listen, net, props, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.resume()
    server.close()


@listen(server)
def listening(port):
    client = watch("client", net.Socket())
    client.set_timeout(1500)

    def connected():
        props("client", client, "timeout")
        client.once("timeout", lambda: client.set_timeout(0).end())

    client.connect(port, "127.0.0.1", connected)
    client.resume()
