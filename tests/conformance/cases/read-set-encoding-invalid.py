"""Invalid UTF-8 becomes U+FFFD."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.set_encoding("utf8")
    peer.end(bytes([0x61, 0xff, 0xc0, 0x80, 0x62, 0xf0, 0x28]))
