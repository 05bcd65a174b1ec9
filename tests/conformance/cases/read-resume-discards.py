"""resume() without a listener throws the data away."""
from prelude import cb, later, pair, until


@pair()
def body(client, peer, server):
    client.resume()

    def late():
        client.on("data", cb("client", "data"))
        peer.end("kept")

    peer.write("lost")
    until(lambda: client.bytes_read == 4, lambda: later(30, late))
