"""destroy() of the server's socket: the client sees an end."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    peer.destroy()
