"""read() of a paused socket takes what is buffered."""
from prelude import attempt, log, pair, until


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

    peer.write("abcdef")
    until(lambda: client.readable_length == 6, look)
