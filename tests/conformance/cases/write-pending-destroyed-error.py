"""Corked writes at destroy(error): their callbacks get that error."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.write("a", cb("client", "wrote a"))
    client.write("b", cb("client", "wrote b"))
    client.destroy(RuntimeError("boom"))
