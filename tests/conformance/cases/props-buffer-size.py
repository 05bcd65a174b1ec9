"""bufferSize is an old name of writableLength."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.write("abc")
    props("client", client, "buffer_size writable_length")
    client.end()
