"""A pipe from one connection into another carries all and its end."""
from prelude import log, net, pair, receive

backend = net.create_server()


@backend.on("connection")
def backend_connection(socket):
    backend.close()
    receive("backend", socket)


@backend.on("listening")
def backend_listening():
    upstream = net.connect(backend.address().port, "127.0.0.1")
    upstream.on("close", lambda had_error: log("upstream", "close"))
    upstream.resume()

    @pair()
    def body(client, peer, server):
        peer.pipe(upstream)
        client.resume()
        client.end(b"pipe it " * (1 << 19))


backend.listen(0, "127.0.0.1")
