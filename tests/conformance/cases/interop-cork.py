"""Corked writes."""
from prelude import cb, ends


def speak(client):
    @client.on("connect")
    def connected():
        client.cork()
        client.write("a", cb("client", "wrote a"))
        client.write("b", cb("client", "wrote b"))
        client.uncork()
        client.end("c")


ends(client=speak, events="data")
