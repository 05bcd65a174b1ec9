"""A listener for 'connect' that is added when the connection stands."""
from prelude import log, pair


@pair(events="data")
def body(client, peer, server):
    def late():
        log("client", "late connect")
        client.end()

    client.on("connect", late)
