"""setTimeout() inside 'timeout' starts a new period."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.set_timeout(30)

    @client.once("timeout")
    def first():
        client.set_timeout(40)
        client.once("timeout", lambda: client.set_timeout(0).end())
