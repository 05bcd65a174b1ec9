"""No 'timeout' after destroy()."""
from prelude import later, log, pair


@pair(events="data")
def body(client, peer, server):
    client.set_timeout(30)
    client.destroy()
    later(80, lambda: log("client", "later"))
