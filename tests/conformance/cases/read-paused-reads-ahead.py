"""A paused socket reads no more than about its high-water mark."""
from prelude import later, log, pair, receive, until


@pair(client=dict(high_water_mark=1000))
def body(client, peer, server):
    client.pause()
    client.read(0)
    peer.write(b"x" * (1 << 20))

    def look():
        log("client", "bounded", client.bytes_read >= 1000, client.bytes_read <= 1000 + 65536)
        receive("client", client)
        client.resume()
        peer.end()

    until(lambda: client.bytes_read >= 1000, lambda: later(60, look))
