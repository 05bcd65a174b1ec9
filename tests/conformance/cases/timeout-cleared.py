"""setTimeout(0) switches it off."""
from prelude import later, pair, props


@pair(events="data")
def body(client, peer, server):
    client.set_timeout(30)
    client.set_timeout(0)
    props("client", client, "timeout")
    later(100, client.end)
