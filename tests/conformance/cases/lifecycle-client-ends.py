"""The client ends with a last word; the peer, not half-open, ends by itself."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.end("bye")
