"""A second end() before 'finish' is harmless."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.end("bye", cb("client", "ended"))
    client.end(cb("client", "ended again"))
