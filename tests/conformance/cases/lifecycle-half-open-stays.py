"""A half-open side that never ends stays open, and destroy ends it."""
from prelude import later, pair, props


@pair(server=dict(allow_half_open=True), events="data")
def body(client, peer, server):
    @peer.on("end")
    def ended():
        @later(50)
        def check():
            props("peer", peer, "destroyed writable ready_state")
            peer.destroy()

    client.end()
