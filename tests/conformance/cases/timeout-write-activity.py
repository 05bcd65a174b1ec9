"""Writes put the time-out off."""
from prelude import later, pair


@pair(events="data")
def body(client, peer, server):
    client.set_timeout(1500)

    def beat(left):
        if left == 0:
            client.set_timeout(0)
            client.end()
            return
        client.write("x")
        later(250, lambda: beat(left - 1))

    beat(8)
