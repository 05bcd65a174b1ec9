"""A socket that is not half-open writes inside its 'end' listener."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    peer.once("end", lambda: peer.write("last words", cb("peer", "wrote")))
    client.end("bye")
