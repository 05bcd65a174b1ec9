"""A write inside the callback of a write."""
from prelude import log, pair


@pair(events="data")
def body(client, peer, server):
    def first(error):
        log("client", "wrote a")
        client.write("b", second)

    def second(error):
        log("client", "wrote b")
        client.end("c")

    client.write("a", first)
