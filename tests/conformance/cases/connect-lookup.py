"""A custom lookup: what it is asked, and the 'lookup' event."""
from prelude import listen, log, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


def lookup(host, *, family, hints, all):
    log("lookup", "asked", host, family, all)
    return [("127.0.0.1", 4)]


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "lookup connectionAttempt ready")
    client.connect(port=port, host="a.test", lookup=lookup)
    client.resume()
