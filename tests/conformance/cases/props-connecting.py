"""The properties while connecting."""
import threading

from prelude import net, props

gate = threading.Event()


def lookup(host, **options):
    gate.wait(4)
    return "127.0.0.1", 4


client = net.Socket()
client.connect(port=1, host="a.test", lookup=lookup)
props("client", client, "connecting pending destroyed ready_state readable writable remote_address local_address")
client.destroy()
props("client", client, "connecting pending destroyed ready_state readable writable")
gate.set()
