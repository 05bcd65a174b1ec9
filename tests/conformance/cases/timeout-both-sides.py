"""The two sides have clocks of their own."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.set_timeout(60000)
    peer.set_timeout(40, lambda: peer.set_timeout(0).end())
