"""Nobody listens and the peer ends without data."""
from prelude import pair, props


@pair()
def body(client, peer, server):
    peer.end()

    @client.on("close")
    def closed(had_error):
        props("client", client, "readable_ended ready_state")
        client.resume()
