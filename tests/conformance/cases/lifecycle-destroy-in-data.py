"""destroy() inside 'data': nothing but 'close' follows."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.once("data", lambda chunk: client.destroy())
    peer.end("some")
