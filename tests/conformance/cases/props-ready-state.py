"""readyState through a life: open, writeOnly, closed."""
from prelude import pair, props


@pair(events="data", client=dict(allow_half_open=True))
def body(client, peer, server):
    def look(*args):
        props("client", client, "ready_state")

    look()

    @client.on("end")
    def ended():
        look()
        client.end()
        look()

    client.on("finish", look)
    client.on("close", look)
    peer.end()
