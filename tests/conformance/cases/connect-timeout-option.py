"""The option timeout: 'timeout' while idle, and the socket stays open."""
from prelude import pair, props


@pair(client=dict(timeout=1500), events="data")
def body(client, peer, server):
    props("client", client, "timeout")
    client.once("timeout", lambda: client.set_timeout(0).end())
