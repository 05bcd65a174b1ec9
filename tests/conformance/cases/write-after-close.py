"""write() and end() long after 'close'."""
from prelude import attempt, cb, later, pair


@pair(events="data")
def body(client, peer, server):
    def write():
        attempt("client", "write", lambda: client.write("more", cb("client", "wrote")))

    client.on("close", lambda had_error: later(20, write))
    client.destroy()
