"""A listener that throws."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    @peer.on("data")
    def data(chunk):
        raise RuntimeError("bug")

    client.write("x")
