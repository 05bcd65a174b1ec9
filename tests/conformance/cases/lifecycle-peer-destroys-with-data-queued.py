"""The peer's data arrives before its end, whatever it does after."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    peer.write("a")
    peer.write("b")
    peer.destroy_soon()
