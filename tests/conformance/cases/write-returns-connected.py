"""A small write on an idle connection returns true, and no 'drain' follows."""
from prelude import attempt, later, pair


@pair(events="data drain")
def body(client, peer, server):
    attempt("client", "write", lambda: client.write("small"))
    later(30, client.end)
