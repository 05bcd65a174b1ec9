"""What each end knows of the other."""
from prelude import ends, props


def look(peer):
    props("peer", peer, "local_address local_port local_family remote_address remote_family")
    peer.end()


def look_too(client):
    client.on("connect", lambda: props(
        "client", client, "local_address local_family remote_address remote_port remote_family"))


ends(peer=look, client=look_too, events="data")
