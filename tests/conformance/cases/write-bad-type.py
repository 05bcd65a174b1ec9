"""write() of a number is an argument error."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "write", lambda: client.write(42))
    attempt("client", "write", lambda: client.write({}))
    attempt("client", "write", lambda: client.write(True))
    client.end("still open")
