"""destroy(error): 'error', then 'close' with true; the peer sees an end only."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.destroy(RuntimeError("boom"))
