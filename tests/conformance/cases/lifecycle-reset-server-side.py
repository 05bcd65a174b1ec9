"""resetAndDestroy() of the server's socket."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    peer.reset_and_destroy()
