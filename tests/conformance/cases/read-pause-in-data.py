"""pause() inside 'data': the next chunk waits."""
from prelude import later, log, pair


@pair()
def body(client, peer, server):
    @client.on("data")
    def data(chunk):
        log("client", "data", chunk)
        if chunk != b"one":
            return
        client.pause()

        @later(20)
        def go_on():
            log("client", "resuming")
            client.resume()

        peer.end("two")

    peer.write("one")
