"""The callback of end() and 'finish': the order of the two."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.end("bye", cb("client", "ended"))
