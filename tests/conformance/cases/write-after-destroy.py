"""write() after destroy(): ERR_STREAM_DESTROYED to the callback only."""
from prelude import attempt, cb, pair


@pair(events="data")
def body(client, peer, server):
    client.destroy()
    attempt("client", "write", lambda: client.write("more", cb("callback", "wrote")))
