"""pause() holds the data back, resume() brings it."""
from prelude import later, log, pair


@pair(events="data")
def body(client, peer, server):
    client.pause()

    def go_on():
        log("client", "paused", client.is_paused())
        client.resume()
        peer.end()

    peer.write("held", lambda error: later(40, go_on))
