"""write() on a half-open socket after the peer's FIN arrives."""
from prelude import attempt, cb, pair


@pair(events="data", client=dict(allow_half_open=True))
def body(client, peer, server):
    @client.on("end")
    def ended():
        attempt("client", "write", lambda: client.write("late", cb("client", "wrote")))
        client.end()

    peer.end()
