"""readableFlowing and isPaused() through the life of a socket."""
from prelude import log, pair


@pair()
def body(client, peer, server):
    def look(*args):
        log("client", "flowing", client.readable_flowing, client.is_paused())

    look()
    client.pause()
    look()
    client.resume()
    look()
    client.on("data", lambda chunk: None)
    look()
    client.pause()
    look()
    client.resume()
    client.on("end", look)
    client.on("close", look)
    peer.end()
