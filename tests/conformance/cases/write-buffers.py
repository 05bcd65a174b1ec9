"""Every kind of buffer."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.write(b"buffer ")
    client.write(bytearray(b"bytes "))
    client.write(memoryview(b"view"))
    client.end()
