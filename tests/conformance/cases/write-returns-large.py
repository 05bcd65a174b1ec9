"""A write that the kernel cannot take returns false; 'drain' follows when all is gone."""
from prelude import attempt, pair, props, receive


@pair(server=dict(pause_on_connect=True), events="drain")
def body(client, peer, server):
    receive("peer", peer)
    attempt("client", "write", lambda: client.write(b"x" * (32 << 20)))
    props("client", client, "writable_need_drain")

    @client.on("drain")
    def drained():
        props("client", client, "writable_need_drain writable_length")
        client.end()

    peer.resume()
    client.resume()
