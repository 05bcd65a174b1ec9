"""A socket that is closed can connect again: a new life."""
from prelude import listen, log, net, props, watch

server = net.create_server(lambda peer: peer.end("hello"))


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "ready data")

    @client.once("close")
    def closed(had_error):
        log("client", "again")
        client.connect(port, "127.0.0.1")
        client.once("close", closed_again)

    def closed_again(had_error):
        props("client", client, "bytes_read destroyed")
        server.close()

    client.connect(port, "127.0.0.1")
