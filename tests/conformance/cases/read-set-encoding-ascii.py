"""setEncoding('ascii') and bytes above 127."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.set_encoding("ascii")
    peer.end(bytes([0x61, 0xe9, 0x62]))
