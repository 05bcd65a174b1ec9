"""A paused socket with data buffered gets no 'end' before resume()."""
from prelude import later, pair, props


@pair(events="data")
def body(client, peer, server):
    client.pause()
    peer.end("buffered")

    @later(50)
    def go_on():
        props("client", client, "readable_ended ready_state")
        client.resume()
