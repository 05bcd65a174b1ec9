"""write() on a socket that is not half-open, after the peer's FIN: EPIPE."""
from prelude import attempt, cb, pair


@pair(events="data")
def body(client, peer, server):
    client.on("finish", lambda: attempt("client", "write", lambda: client.write("late", cb("client", "wrote"))))
    peer.end()
