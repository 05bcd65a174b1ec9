"""write() on a socket that is not half-open, after the peer's FIN: EPIPE."""
from prelude import attempt, log, pair


@pair(events="data")
def body(client, peer, server):
    client.remove_all_listeners("error")
    client.on("error", lambda error: log("client", "error", error.code))
    client.on("finish", lambda: attempt(
        "client", "write", lambda: client.write("late", lambda error: log("client", "wrote", error.code))))
    peer.end()
