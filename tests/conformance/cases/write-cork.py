"""Corked writes go out together at uncork(); their callbacks in order."""
from prelude import cb, pair, props


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.write("a", cb("client", "wrote a"))
    client.write("b", cb("client", "wrote b"))
    props("client", client, "writable_length bytes_written")
    client.uncork()
    client.end("c", cb("client", "ended"))
