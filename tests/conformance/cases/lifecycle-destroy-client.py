"""destroy() without an error: the peer sees an end."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.destroy()
    props("client", client, "destroyed readable writable ready_state")
