"""uncork() without cork() does nothing."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.uncork()
    client.end("x")
