"""read() after 'end' returns null."""
from prelude import attempt, pair, props


@pair(events="data")
def body(client, peer, server):
    @client.on("end")
    def ended():
        attempt("client", "read", lambda: client.read())
        props("client", client, "readable_ended readable readable_length")

    peer.end("x")
