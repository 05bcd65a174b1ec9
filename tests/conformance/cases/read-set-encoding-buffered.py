"""setEncoding() when bytes are buffered already."""
from prelude import cb, pair, until


@pair()
def body(client, peer, server):
    def late():
        client.set_encoding("utf8")
        client.on("data", cb("client", "data"))
        peer.end()

    peer.write("h\u00e9")
    until(lambda: client.readable_length == 3, late)
