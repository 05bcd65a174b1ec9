"""Callbacks come in the order of the writes, before the end's."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.write("a", cb("client", "wrote a"))
    client.write("b", cb("client", "wrote b"))
    client.write("c", cb("client", "wrote c"))
    client.end(cb("client", "ended"))
