"""write() inside 'close'."""
from prelude import attempt, cb, pair


@pair(events="data")
def body(client, peer, server):
    client.on("close", lambda had_error: attempt(
        "client", "write", lambda: client.write("more", cb("client", "wrote"))))
    client.destroy()
