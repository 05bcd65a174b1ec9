"""Corked writes at destroy(): their callbacks get ERR_STREAM_DESTROYED."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.write("a", cb("client", "wrote a"))
    client.write("b", cb("client", "wrote b"))
    client.destroy()
