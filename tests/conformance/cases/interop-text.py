"""Text is whole, however it is cut."""
from prelude import cb, ends


def speak(peer):
    for byte in "gr\u00fc\u00dfe \u20ac \U0001f600".encode():
        peer.write(bytes([byte]))
    peer.end()


def hear(client):
    client.set_encoding("utf8")
    client.on("data", cb("client", "data"))


ends(peer=speak, client=hear)
