"""peer.pipe(peer) echoes, and ends when its source ends."""
from prelude import attempt, cb, log, pair


@pair()
def body(client, peer, server):
    client.on("data", cb("client", "data"))
    peer.on("pipe", lambda source: log("peer", "pipe"))
    peer.on("unpipe", lambda source: log("peer", "unpipe"))
    attempt("call", "pipe", lambda: peer.pipe(peer))
    client.once("data", lambda chunk: client.end())
    client.write("echo me")
