"""The properties of a new life."""
from prelude import listen, net, props, watch

server = net.create_server(lambda peer: peer.resume().end("hello"))


@listen(server)
def listening(port):
    names = "connecting destroyed readable writable readable_ended writable_ended bytes_read bytes_written"
    client = watch("client", net.Socket(), "data")

    @client.once("close")
    def closed(had_error):
        props("client", client, names)
        client.connect(port, "127.0.0.1")
        props("client", client, names)
        client.once("connect", lambda: props("client", client, names))
        client.once("close", lambda had_error: server.close())

    client.connect(port, "127.0.0.1", lambda: client.write("x"))
