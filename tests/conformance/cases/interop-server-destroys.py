"""The server destroys its socket with an error."""
from prelude import ends


def destroy(peer):
    peer.on("data", lambda chunk: peer.destroy(RuntimeError("enough")))


ends(peer=destroy, client=lambda client: client.write("x"), events="data")
