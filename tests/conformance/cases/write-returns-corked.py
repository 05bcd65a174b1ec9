"""A corked write is queued: what it returns."""
from prelude import attempt, cb, later, pair


@pair(events="data drain")
def body(client, peer, server):
    client.cork()
    attempt("client", "write", lambda: client.write("corked", cb("client", "wrote")))
    client.uncork()
    later(30, client.end)
