"""The side that is ended by its peer: 'end', then 'finish', then 'close'."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    peer.on("data", lambda chunk: peer.write("echo", cb("peer", "wrote")))
    client.on("data", lambda chunk: client.end())
    client.write("x", cb("client", "wrote"))
