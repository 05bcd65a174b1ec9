"""Writes while connecting at destroy(): ERR_SOCKET_CLOSED_BEFORE_CONNECTION."""
import threading

from prelude import cb, net, watch

gate = threading.Event()


def lookup(host, **options):
    gate.wait(4)
    return "127.0.0.1"


client = watch("client", net.connect(port=1, host="a.test", lookup=lookup))
client.write("early", cb("client", "wrote"))
client.destroy()
gate.set()
