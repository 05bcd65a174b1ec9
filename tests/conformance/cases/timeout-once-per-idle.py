"""'timeout' comes once for each idle period."""
from prelude import later, pair


@pair(events="data")
def body(client, peer, server):
    client.set_timeout(30)
    client.once("timeout", lambda: later(200, lambda: client.set_timeout(0).end()))
