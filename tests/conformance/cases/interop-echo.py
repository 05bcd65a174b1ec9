"""An echo through pipe."""
from prelude import cb, ends


def start(client):
    client.on("data", cb("client", "data"))
    client.once("data", lambda chunk: client.end())
    client.write("echo me")


ends(peer=lambda peer: peer.pipe(peer), client=start)
