"""resetAndDestroy(): the peer gets ECONNRESET."""
from prelude import attempt, pair, props


@pair(events="data")
def body(client, peer, server):
    attempt("client", "reset", lambda: client.reset_and_destroy())
    props("client", client, "destroyed")
