"""read() of a paused socket takes what is buffered."""
from prelude import attempt, later, log, pair


@pair()
def body(client, peer, server):
    client.pause()
    client.read(0)

    def look():
        log("client", "length", client.readable_length)
        attempt("client", "read 4", lambda: client.read(4))
        attempt("client", "read", lambda: client.read())
        client.resume()
        peer.end()

    peer.write("abcdef", lambda error: later(40, look))
