"""The server's side ends; the client, not half-open, ends by itself."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    peer.end("bye")
