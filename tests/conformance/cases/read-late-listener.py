"""A 'data' listener that is added later gets what came before."""
from prelude import cb, later, pair


@pair()
def body(client, peer, server):
    def late():
        client.on("data", cb("client", "data"))
        peer.end()

    peer.write("early", lambda error: later(30, late))
