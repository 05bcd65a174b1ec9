"""The client resets."""
from prelude import ends


def reset(client):
    client.on("connect", lambda: client.reset_and_destroy())


ends(client=reset, events="data")
