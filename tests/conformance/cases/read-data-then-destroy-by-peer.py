"""Data that came before the peer's reset may be lost, but not before its end."""
from prelude import later, pair


@pair(events="data")
def body(client, peer, server):
    client.pause()
    peer.write("kept")
    peer.end()
    later(40, client.resume)
