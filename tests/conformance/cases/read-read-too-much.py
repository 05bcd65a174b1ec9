"""read(n) for more than there is returns null; at the end it returns what is left."""
from prelude import attempt, log, pair


@pair()
def body(client, peer, server):
    @client.on("readable")
    def readable():
        log("client", "length", client.readable_length)
        attempt("client", "read 10", lambda: client.read(10))
        peer.end()

    peer.write("abc")
