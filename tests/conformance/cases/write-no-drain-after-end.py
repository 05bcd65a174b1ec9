"""No 'drain' once end() was called."""
from prelude import attempt, pair, props, receive


@pair(server=dict(pause_on_connect=True), events="drain")
def body(client, peer, server):
    receive("peer", peer)
    client.resume()
    attempt("client", "write", lambda: client.write(b"x" * (32 << 20)))
    client.end()
    props("client", client, "writable_need_drain")
    peer.resume()
