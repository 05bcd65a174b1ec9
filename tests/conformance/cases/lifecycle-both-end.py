"""Both sides end at the same moment."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.end("from client")
    peer.end("from peer")
