"""destroy() inside 'error' changes nothing."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.on("error", lambda error: client.destroy(RuntimeError("another")))
    client.destroy(RuntimeError("boom"))
