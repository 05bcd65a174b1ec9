"""Callbacks of write() and end()."""
from prelude import cb, ends


def speak(client):
    @client.on("connect")
    def connected():
        client.write("a", cb("client", "wrote a"))
        client.write("b", cb("client", "wrote b"))
        client.end("c", cb("client", "ended"))


ends(client=speak, events="data")
