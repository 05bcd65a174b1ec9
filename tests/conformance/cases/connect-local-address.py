"""localAddress and localPort."""
from prelude import pair, props


@pair(client=dict(local_address="127.0.0.3"), events="data")
def body(client, peer, server):
    props("client", client, "local_address local_family")
    props("peer", peer, "remote_address remote_family")
    client.end()
