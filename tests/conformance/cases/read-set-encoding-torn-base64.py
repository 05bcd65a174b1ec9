"""Base64 text comes in groups of three bytes; the rest at the end."""
from prelude import cb, later, pair


@pair()
def body(client, peer, server):
    client.set_encoding("base64")
    client.on("data", cb("client", "data"))
    peer.write("ab")
    later(20, lambda: peer.write("cd"))
    later(40, lambda: peer.end())
