"""Ten megabytes in one write arrive whole."""
from prelude import cb, pair, receive


@pair()
def body(client, peer, server):
    receive("peer", peer)
    client.resume()
    text = b"conformance " * (1 + (10 << 20) // 12)
    client.end(text[:10 << 20], cb("client", "ended"))
