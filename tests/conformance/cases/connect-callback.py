"""connect(port, host, callback): the callback is a 'connect' listener; connect() returns the socket."""
from prelude import attempt, cb, listen, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "ready")
    attempt("call", "connect()", lambda: client.connect(port, "127.0.0.1", cb("client", "callback")))
    client.resume()
