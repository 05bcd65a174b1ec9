"""Empty bytes: the callback comes, no data does."""
from prelude import attempt, cb, later, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "write", lambda: client.write(b"", cb("client", "wrote")))
    later(30, client.end)
