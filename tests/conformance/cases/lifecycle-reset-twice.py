"""resetAndDestroy() twice, then write(): the peer has one ECONNRESET."""
from prelude import attempt, cb, pair


@pair()
def body(client, peer, server):
    peer.resume()
    attempt("call", "reset", client.reset_and_destroy)
    attempt("call", "again", client.reset_and_destroy)
    attempt("call", "write", lambda: client.write("late", cb("client", "written")))
    client.on("close", lambda had_error: attempt("call", "after close", client.reset_and_destroy))
