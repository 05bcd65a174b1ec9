"""An unfinished character at the end becomes U+FFFD."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.set_encoding("utf8")
    peer.end(bytes([0x61, 0xe2, 0x82]))
