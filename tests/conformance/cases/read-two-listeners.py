"""Two 'data' listeners both get the chunk, in the order in which they were added."""
from prelude import cb, pair


@pair()
def body(client, peer, server):
    client.on("data", cb("client", "second"))
    client.prepend_listener("data", cb("client", "first"))
    client.once("data", cb("client", "third, once"))
    peer.end("x")
