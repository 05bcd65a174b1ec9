"""writableLength of text that is queued in an encoding."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.write("6869", "hex")
    client.write("h\u00e9")
    props("client", client, "writable_length")
    client.end()
