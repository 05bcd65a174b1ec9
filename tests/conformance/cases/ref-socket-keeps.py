"""A connection keeps the program alive until it is closed."""
import threading

from prelude import pair


@pair(events="data")
def body(client, peer, server):
    timer = threading.Timer(0.08, client.end)
    timer.daemon = True
    timer.start()
