"""write() after end(): ERR_STREAM_WRITE_AFTER_END to the callback and as 'error'."""
from prelude import attempt, cb, pair


@pair(events="data")
def body(client, peer, server):
    client.end("bye")
    attempt("client", "write", lambda: client.write("more", cb("client", "wrote")))
