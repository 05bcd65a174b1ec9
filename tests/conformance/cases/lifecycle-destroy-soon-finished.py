"""destroySoon() after 'finish' destroys at once."""
from prelude import pair, props


@pair(events="data", server=dict(allow_half_open=True))
def body(client, peer, server):
    client.end("x")

    @client.on("finish")
    def finished():
        client.destroy_soon()
        props("client", client, "destroyed")

    peer.on("end", lambda: peer.end())
