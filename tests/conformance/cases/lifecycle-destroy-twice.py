"""Only the first destroy counts."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "destroy", lambda: client.destroy(RuntimeError("first")))
    attempt("client", "destroy again", lambda: client.destroy(RuntimeError("second")))
