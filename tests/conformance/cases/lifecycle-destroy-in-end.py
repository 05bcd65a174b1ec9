"""destroy() inside 'end'."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.once("end", lambda: client.destroy())
    peer.end("some")
