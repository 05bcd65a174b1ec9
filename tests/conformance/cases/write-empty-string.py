"""An empty string: the callback comes, no data does."""
from prelude import attempt, cb, later, pair, props


@pair(events="data")
def body(client, peer, server):
    attempt("client", "write", lambda: client.write("", cb("client", "wrote")))
    props("client", client, "bytes_written")
    later(30, client.end)
