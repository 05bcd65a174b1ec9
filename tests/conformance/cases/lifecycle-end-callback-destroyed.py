"""end(callback), then destroy(): the callback hears of it."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.end(cb("client", "ended"))
    client.destroy(RuntimeError("boom"))
