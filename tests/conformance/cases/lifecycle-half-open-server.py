"""A half-open server answers after it has heard everything."""
from prelude import pair, props


@pair(server=dict(allow_half_open=True), events="data")
def body(client, peer, server):
    @peer.on("end")
    def ended():
        props("peer", peer, "readable writable ready_state destroyed")
        peer.end("the answer")

    client.end("the question")
