"""Four megabytes there and back."""
from prelude import ends, receive


def start(client):
    receive("client", client)
    client.end((b"there and back " * 300000)[:4 << 20])


ends(peer=lambda peer: peer.pipe(peer), client=start, server_options=dict(allow_half_open=True))
