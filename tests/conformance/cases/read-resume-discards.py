"""resume() without a listener throws the data away."""
from prelude import cb, later, pair


@pair()
def body(client, peer, server):
    client.resume()

    def late():
        client.on("data", cb("client", "data"))
        peer.end("kept")

    peer.write("lost", lambda error: later(30, late))
