"""Nobody listens and the peer ends without data."""
from prelude import later, pair, props


@pair()
def body(client, peer, server):
    peer.end()

    @later(50)
    def late():
        props("client", client, "readable_ended ready_state")
        client.resume()
