"""An unknown encoding is an argument error."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "write", lambda: client.write("x", "nonsense"))
    client.end("still open")
