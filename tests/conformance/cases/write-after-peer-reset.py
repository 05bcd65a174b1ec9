"""write() inside 'error' of a connection that the peer reset."""
from prelude import attempt, cb, pair


@pair(events="data")
def body(client, peer, server):
    client.on("error", lambda error: attempt(
        "client", "write", lambda: client.write("late", cb("callback", "wrote"))))
    peer.reset_and_destroy()
