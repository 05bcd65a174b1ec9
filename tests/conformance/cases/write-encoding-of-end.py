"""end(data, encoding, callback)."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.end("6869", "hex", cb("client", "ended"))
