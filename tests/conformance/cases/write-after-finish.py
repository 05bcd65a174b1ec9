"""write() after 'finish'."""
from prelude import cb, pair


@pair(events="data", server=dict(allow_half_open=True))
def body(client, peer, server):
    client.on("finish", lambda: client.write("more", cb("client", "wrote")))
    peer.on("end", lambda: peer.end())
    client.end("bye")
