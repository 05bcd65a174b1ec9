"""The client destroys its socket."""
from prelude import ends


def destroy(client):
    client.on("connect", lambda: client.destroy())


ends(client=destroy, events="data")
