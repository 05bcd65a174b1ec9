"""The client pauses between chunks."""
from prelude import ends, later, log


def speak(peer):
    peer.write("one")
    later(60, lambda: peer.end("two"))


def hear(client):
    @client.on("data")
    def data(chunk):
        log("client", "data", chunk)
        client.pause()
        later(20, client.resume)


ends(peer=speak, client=hear)
