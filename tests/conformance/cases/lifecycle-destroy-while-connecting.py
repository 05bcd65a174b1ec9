"""destroy() while the name is being looked up: 'close' alone."""
import threading

from prelude import net, props, watch

gate = threading.Event()


def lookup(host, **options):
    gate.wait(4)
    return "127.0.0.1", 4


client = watch("client", net.connect(port=1, host="a.test", lookup=lookup))
client.destroy()
props("call", client, "destroyed connecting")
gate.set()
