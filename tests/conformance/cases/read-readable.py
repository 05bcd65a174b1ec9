"""'readable' and read(): all of it, in parts, then null at the end."""
from prelude import attempt, pair


@pair()
def body(client, peer, server):
    @client.once("readable")
    def readable():
        attempt("client", "read 3", lambda: client.read(3))
        attempt("client", "read", lambda: client.read())
        attempt("client", "read", lambda: client.read())
        client.on("readable", lambda: attempt("client", "read", lambda: client.read()))
        peer.end()

    peer.write("abcdefgh")
