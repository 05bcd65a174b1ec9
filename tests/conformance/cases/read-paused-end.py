"""A paused socket with nothing buffered still gets 'end'."""
from prelude import later, pair, props


@pair(events="data")
def body(client, peer, server):
    client.pause()
    peer.end()

    @later(50)
    def go_on():
        props("client", client, "readable_ended ready_state")
        client.resume()
