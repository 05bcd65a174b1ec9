"""setEncoding('hex'), setEncoding('LATIN1')."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.set_encoding("hex")
    peer.set_encoding("LATIN1")
    peer.end("h\u00e9")
    client.end("h\u00e9")
