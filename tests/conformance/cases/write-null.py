"""write(null) is an argument error."""
from prelude import attempt, cb, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "write", lambda: client.write(None, cb("client", "wrote")))
    client.end("still open")
