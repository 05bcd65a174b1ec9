"""read() with nothing to read returns null."""
from prelude import attempt, pair


@pair()
def body(client, peer, server):
    attempt("client", "read", lambda: client.read())
    attempt("client", "read 5", lambda: client.read(5))
    client.resume()
    peer.end()
