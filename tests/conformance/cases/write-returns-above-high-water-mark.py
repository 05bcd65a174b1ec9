"""A write above the high-water mark that the kernel takes at once returns true."""
from prelude import attempt, pair, receive


@pair(client=dict(high_water_mark=1024), events="drain")
def body(client, peer, server):
    receive("peer", peer)
    attempt("client", "write", lambda: client.write(b"x" * 2048, lambda error: client.end()))
    client.resume()
