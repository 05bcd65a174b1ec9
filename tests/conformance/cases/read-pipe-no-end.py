"""pipe(…, { end: false }): the destination stays open."""
from prelude import cb, later, pair


@pair(server=dict(allow_half_open=True))
def body(client, peer, server):
    client.on("data", cb("client", "data"))
    peer.pipe(peer, end=False)
    peer.on("end", lambda: later(20, lambda: peer.end(" and more")))
    client.end("echo")
