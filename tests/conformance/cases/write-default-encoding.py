"""Text is UTF-8."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.write("h\u00e9 \u20ac \U0001f600")
    client.end()
