"""The server resets."""
from prelude import ends


def reset(peer):
    peer.on("data", lambda chunk: peer.reset_and_destroy())


ends(peer=reset, client=lambda client: client.write("x"), events="data")
