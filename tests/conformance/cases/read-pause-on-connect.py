"""pauseOnConnect: the server's socket is paused until resume()."""
from prelude import later, log, pair


@pair(server=dict(pause_on_connect=True), events="data")
def body(client, peer, server):
    client.end("held")

    @later(40)
    def go_on():
        log("peer", "state", peer.is_paused(), peer.bytes_read, peer.readable_ended)
        peer.resume()
