"""end() while input is never read: the socket stays until resume()."""
from prelude import later, pair, props


@pair()
def body(client, peer, server):
    peer.end("unread")

    @later(50)
    def check():
        props("client", client, "readable_ended destroyed")
        client.resume()
