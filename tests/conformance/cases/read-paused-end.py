"""A paused socket with nothing buffered still gets 'end'."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.pause()
    peer.end()

    @client.on("close")
    def closed(had_error):
        props("client", client, "readable_ended ready_state")
        client.resume()
