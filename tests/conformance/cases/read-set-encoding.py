"""setEncoding(): 'data' carries text."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "setEncoding", lambda: client.set_encoding("utf8"))
    peer.end("h\u00e9 \u20ac")
