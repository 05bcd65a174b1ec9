"""Reads put the time-out off."""
from prelude import later, pair


@pair()
def body(client, peer, server):
    client.on("data", lambda chunk: None)
    client.set_timeout(1500)

    def stop():
        client.set_timeout(0)
        client.end()

    def beat(left):
        if left == 0:
            later(50, stop)
            return
        peer.write("x")
        later(250, lambda: beat(left - 1))

    beat(8)
