"""end() removes the corks."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.cork()
    client.write("held", cb("client", "wrote"))
    client.end("last", cb("client", "ended"))
