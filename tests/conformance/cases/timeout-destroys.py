"""The usual use: destroy() inside 'timeout'."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    peer.set_timeout(40, lambda: peer.destroy(RuntimeError("idle")))
