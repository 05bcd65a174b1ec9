"""setTimeout(): 'timeout' while idle, and the socket stays open."""
from prelude import attempt, pair, props


@pair(events="data")
def body(client, peer, server):
    attempt("client", "setTimeout", lambda: client.set_timeout(40))

    @client.once("timeout")
    def idle():
        props("client", client, "destroyed timeout ready_state")
        client.set_timeout(0).end()
