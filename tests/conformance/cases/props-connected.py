"""The properties of a connection, both sides."""
from prelude import log, pair, props


@pair(events="data")
def body(client, peer, server):
    names = ("connecting pending destroyed ready_state readable writable readable_ended writable_ended "
             "local_address local_port local_family remote_address remote_port remote_family")
    props("client", client, names)
    props("peer", peer, names)
    log("client", "address", client.address())
    log("peer", "address", peer.address())
    log("peer", "ports", peer.remote_port == client.local_port)
    client.end()
