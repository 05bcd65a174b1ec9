"""A half-open client goes on writing after the peer's end."""
from prelude import pair, props


@pair(client=dict(allow_half_open=True), events="data")
def body(client, peer, server):
    @client.on("end")
    def ended():
        props("client", client, "readable writable ready_state destroyed")
        client.write("still here", lambda error: client.end("now bye"))

    peer.end("bye")
