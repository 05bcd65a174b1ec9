"""Writes while connecting, and the connection is refused: the callback gets the error."""
import threading

from prelude import cb, net, watch

client = watch("client", net.Socket())
gate = threading.Event()


def lookup(host, **options):
    gate.wait(4)
    return "127.0.0.1"


client.connect(port=1, host="a.test", lookup=lookup)
client.write("early", cb("client", "wrote"))
client.end("and end", cb("client", "ended"))
gate.set()
